import { Button, Checkbox, Flex, Select, type TableColumnsType, Tag, Typography } from 'antd';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';

import type { Algorithm } from '@/api/types';
import { EmptyHint } from '@/components/EmptyHint';
import { When } from '@/components/format';
import { ListTable, useClearFilters, useFilter } from '@/components/list';
import { Page } from '@/components/Page';
import { OnlineTag } from '@/features/datasets/OnlineTag';
import { PURPOSES, useLevelText, usePurposeText } from '@/features/datasets/purpose';

import { useAlgorithms } from './api';
import { useAlgorithmTitle } from './title';

export default function AlgorithmsPage() {
  const { t } = useTranslation();
  const level = useLevelText();
  const [purpose, setPurpose] = useFilter('purpose');
  const [online, setOnline] = useFilter('online');
  const list = useAlgorithms({ purpose, online: online === 'true' });
  const filtered = Boolean(purpose || online);
  const clear = useClearFilters();
  return (
    <Page title={t('algorithms.title')} lead={t('algorithms.lead')}>
      <ListTable
        label={t('algorithms.title')}
        list={list}
        columns={useColumns()}
        width={1000}
        filters={
          <Flex gap={16} align="center" wrap>
            <Select
              aria-label={t('common.purpose')}
              style={{ minWidth: 150 }}
              value={purpose}
              onChange={setPurpose}
              options={[
                { value: '', label: `${t('common.purpose')}: ${t('common.all')}` },
                ...Object.keys(PURPOSES).map((value) => ({ value, label: level('level1', value) })),
              ]}
            />
            <Checkbox checked={online === 'true'} onChange={(event) => setOnline(event.target.checked ? 'true' : '')}>
              {t('algorithms.onlineOnly')}
            </Checkbox>
          </Flex>
        }
        empty={
          <EmptyHint text={filtered ? t('algorithms.emptyFiltered') : t('algorithms.empty')}>
            {filtered ? <Button onClick={clear}>{t('algorithms.clearFilters')}</Button> : t('algorithms.emptyHint')}
          </EmptyHint>
        }
      />
    </Page>
  );
}

function useColumns(): TableColumnsType<Algorithm> {
  const { t } = useTranslation();
  const title = useAlgorithmTitle();
  const purpose = usePurposeText();
  return [
    {
      title: t('algorithms.algorithmTitle'),
      width: 300,
      render: (_, algorithm) => (
        <div style={{ overflowWrap: 'anywhere' }}>
          <Link to={`/algorithms/${algorithm.id}`}>{title(algorithm)}</Link>
          <Typography.Text type="secondary" style={{ display: 'block', fontSize: 12 }} translate="no">
            {algorithm.name}
          </Typography.Text>
        </div>
      ),
    },
    { title: t('common.purpose'), width: 150, render: (_, algorithm) => purpose(algorithm.purpose) },
    {
      title: t('algorithms.dataFormats'),
      width: 120,
      render: (_, algorithm) => algorithm.data_formats.map((format) => <Tag key={format}>{format}</Tag>),
    },
    {
      title: t('algorithms.device'),
      width: 120,
      render: (_, { training }) => t(`algorithms.devices.${training?.device ?? 'DEVICE_UNSPECIFIED'}`),
    },
    { title: t('algorithms.online'), width: 110, render: (_, { online }) => <OnlineTag online={online} /> },
    {
      title: t('common.visibility'),
      width: 90,
      render: (_, { visibility }) => t(`common.visibilities.${visibility}`),
    },
    { title: t('common.updated'), width: 130, render: (_, algorithm) => <When at={algorithm.updated_at} /> },
  ];
}
