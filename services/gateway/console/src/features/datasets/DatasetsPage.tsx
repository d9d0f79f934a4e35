import { PlusOutlined } from '@ant-design/icons';
import { Button, Checkbox, Flex, Select, type TableColumnsType, Typography } from 'antd';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';

import type { Dataset } from '@/api/types';
import { EmptyHint } from '@/components/EmptyHint';
import { count, When } from '@/components/format';
import { ListTable, useClearFilters, useFilter } from '@/components/list';
import { Page } from '@/components/Page';
import { lazily } from '@/components/lazily';

import { useDatasets } from './api';
import { LiveDatasetState } from './DatasetStateTag';
import { OnlineTag } from './OnlineTag';
import { PURPOSES, useLevelText, usePurposeText } from './purpose';

const NewDatasetDrawer = lazily(async () => (await import('./NewDatasetDrawer')).NewDatasetDrawer);

const STATES = ['STATE_DRAFT', 'STATE_IMPORTING', 'STATE_IMPORTED', 'STATE_FAILED'] as const;

export default function DatasetsPage() {
  const { t } = useTranslation();
  const level = useLevelText();
  const [creating, setCreating] = useFilter('new');
  const [state, setState] = useFilter('state');
  const [purpose, setPurpose] = useFilter('purpose');
  const [online, setOnline] = useFilter('online');
  const list = useDatasets({ state, purpose, online: online === 'true' });
  const filtered = Boolean(state || purpose || online);
  const columns = useColumns();
  const clear = useClearFilters();
  const newButton = (
    <Button type="primary" icon={<PlusOutlined />} onClick={() => setCreating('1')}>
      {t('datasets.new')}
    </Button>
  );
  return (
    <Page title={t('datasets.title')} lead={t('datasets.lead')} actions={newButton}>
      <ListTable
        label={t('datasets.title')}
        list={list}
        columns={columns}
        width={1000}
        filters={
          <Flex gap={8} align="center" wrap>
            <Select
              aria-label={t('common.state')}
              style={{ minWidth: 150 }}
              value={state}
              onChange={setState}
              options={[
                { value: '', label: `${t('common.state')}: ${t('common.all')}` },
                ...STATES.map((value) => ({ value, label: t(`datasets.states.${value}`) })),
              ]}
            />
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
              {t('datasets.onlineOnly')}
            </Checkbox>
          </Flex>
        }
        empty={
          <EmptyHint text={filtered ? t('datasets.emptyFiltered') : t('datasets.empty')}>
            {filtered ? <Button onClick={clear}>{t('datasets.clearFilters')}</Button> : newButton}
          </EmptyHint>
        }
      />
      <NewDatasetDrawer open={creating === '1'} onClose={() => setCreating(undefined)} />
    </Page>
  );
}

function useColumns(): TableColumnsType<Dataset> {
  const { t } = useTranslation();
  const purpose = usePurposeText();
  return [
    {
      title: t('common.name'),
      width: 190,
      render: (_, { id, name, description }) => (
        <div style={{ overflowWrap: 'anywhere' }}>
          <Link to={`/datasets/${id}`}>{name}</Link>
          {description && (
            <Typography.Text type="secondary" ellipsis style={{ display: 'block', fontSize: 12 }}>
              {description}
            </Typography.Text>
          )}
        </div>
      ),
    },
    { title: t('common.purpose'), width: 120, render: (_, dataset) => purpose(dataset.purpose) },
    {
      title: t('datasets.annotationAndFormat'),
      width: 140,
      render: (_, { annotation_mode, format }) => `${t(`datasets.annotations.${annotation_mode}`)} / ${format}`,
    },
    { title: t('common.state'), width: 130, render: (_, dataset) => <LiveDatasetState dataset={dataset} /> },
    { title: t('datasets.online'), width: 100, render: (_, { online }) => <OnlineTag online={online} /> },
    {
      title: t('datasets.samples'),
      width: 84,
      align: 'right',
      render: (_, { version }) => (
        <span className="numbers">
          {version ? count(Number(version.train_samples) + Number(version.test_samples)) : '–'}
        </span>
      ),
    },
    {
      title: t('datasets.classes'),
      width: 76,
      align: 'right',
      render: (_, { version }) => <span className="numbers">{version ? count(version.classes.length) : '–'}</span>,
    },
    {
      title: t('common.visibility'),
      width: 80,
      render: (_, { visibility }) => t(`common.visibilities.${visibility}`),
    },
    { title: t('common.updated'), width: 110, render: (_, dataset) => <When at={dataset.updated_at} /> },
  ];
}
