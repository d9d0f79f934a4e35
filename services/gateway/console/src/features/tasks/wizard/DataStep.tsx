import { Flex, Input, Slider, InputNumber, Typography } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';

import type { Dataset } from '@/api/types';
import { EmptyHint } from '@/components/EmptyHint';
import { count, percent, When } from '@/components/format';
import { Table } from '@/components/Table';

import { LinkButton } from '../LinkButton';
import { type Draft, fits, splits, withDataset } from './draft';

const PAGE = 8;
const LEAST = 0.05;
const MOST = 0.99;

interface Props {
  draft: Draft;
  onChange: (draft: Draft) => void;
  datasets: Dataset[];
}

export function DataStep({ draft, onChange, datasets }: Props) {
  const { t } = useTranslation();
  const [search, setSearch] = useState('');
  const { algorithm } = draft;
  const fitting = datasets.filter((dataset) => algorithm && fits(dataset, algorithm));
  const found = fitting.filter((dataset) => dataset.name.toLowerCase().includes(search.trim().toLowerCase()));
  const choose = (dataset: Dataset) => onChange(withDataset(draft, dataset));

  if (!fitting.length) {
    return (
      <EmptyHint text={t('tasks.wizard.noDataset')}>
        <LinkButton to="/datasets" type="primary">
          {t('tasks.wizard.toDatasets')}
        </LinkButton>
      </EmptyHint>
    );
  }
  return (
    <Flex vertical gap={12}>
      {fitting.length > PAGE && (
        <Input.Search
          aria-label={t('tasks.wizard.searchDataset')}
          placeholder={t('tasks.wizard.searchDataset')}
          allowClear
          value={search}
          onChange={(event) => setSearch(event.target.value)}
          style={{ maxWidth: 320 }}
        />
      )}
      <Table<Dataset>
        aria-label={t('tasks.wizard.chooseDataset')}
        rowKey="id"
        size="small"
        dataSource={found}
        pagination={found.length > PAGE ? { pageSize: PAGE, showSizeChanger: false } : false}
        scroll={{ x: 640 }}
        locale={{ emptyText: t('tasks.wizard.noDatasetFound') }}
        rowSelection={{
          type: 'radio',
          selectedRowKeys: draft.dataset ? [draft.dataset.id] : [],
          onSelect: choose,
          getCheckboxProps: (dataset) => ({ 'aria-label': dataset.name }) as object,
        }}
        onRow={(dataset) => ({ onClick: () => choose(dataset), style: { cursor: 'pointer' } })}
        columns={[
          { title: t('common.name'), dataIndex: 'name', ellipsis: true },
          {
            title: t('tasks.wizard.samples'),
            key: 'samples',
            width: 110,
            align: 'end',
            className: 'numbers',
            render: (_, { version }) => count(Number(version?.train_samples ?? 0) + Number(version?.test_samples ?? 0)),
          },
          {
            title: t('tasks.wizard.classes'),
            key: 'classes',
            width: 90,
            align: 'end',
            className: 'numbers',
            render: (_, { version }) => count(version?.classes.length),
          },
          {
            title: t('tasks.wizard.testSet'),
            key: 'test',
            width: 150,
            render: (_, dataset) => t(splits(dataset) ? 'tasks.wizard.testSetRatio' : 'tasks.wizard.testSetOwn'),
          },
          { title: t('common.updated'), key: 'updated', width: 120, render: (_, one) => <When at={one.updated_at} /> },
        ]}
      />
      {draft.dataset && <Split draft={draft} dataset={draft.dataset} onChange={onChange} />}
    </Flex>
  );
}

function Split({ draft, dataset, onChange }: { draft: Draft; dataset: Dataset; onChange: (draft: Draft) => void }) {
  const { t } = useTranslation();
  const total = Number(dataset.version?.train_samples ?? 0);
  if (!splits(dataset)) {
    const test = count(dataset.version?.test_samples);
    return <Typography.Text type="secondary">{t('tasks.wizard.shareOwn', { train: count(total), test })}</Typography.Text>;
  }
  const train = Math.round(total * draft.share);
  const change = (share: number | null) => share !== null && onChange({ ...draft, share });
  return (
    <div style={{ maxWidth: 560 }}>
      <strong>{t('tasks.wizard.share')}</strong>
      <Flex gap={16} align="center">
        <Slider
          min={LEAST}
          max={MOST}
          step={0.01}
          value={draft.share}
          onChange={change}
          ariaLabelForHandle={t('tasks.wizard.share')}
          tooltip={{ formatter: (share) => percent(share, 0) }}
          style={{ flex: 1 }}
        />
        <InputNumber
          aria-label={t('tasks.wizard.share')}
          min={LEAST}
          max={MOST}
          step={0.01}
          value={draft.share}
          onChange={change}
          style={{ width: 90 }}
        />
      </Flex>
      <Typography.Text type="secondary">
        {t('tasks.wizard.shareHint', { train: count(train), test: count(total - train) })}
      </Typography.Text>
    </div>
  );
}
