import { Descriptions, Typography } from 'antd';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';

import type { ModelVersion } from '@/api/types';

import { useAlgorithmTitleOf, useDatasetName, useTaskName } from './api';

const SHORT = 12;

interface Props {
  of: NonNullable<ModelVersion['provenance']>;
}

/** Task, algorithm and data that a version was made with, as links. */
export function ProvenanceView({ of }: Props) {
  const { t } = useTranslation();
  const task = useTaskName(of.task_id);
  const dataset = useDatasetName(of.dataset_id);
  const algorithm = useAlgorithmTitleOf(of.algorithm_id);
  return (
    <Descriptions
      size="small"
      column={{ xs: 1, md: 2, xl: 3 }}
      items={[
        {
          key: 'task',
          label: t('models.task'),
          children: (
            <Origin to={`/tasks/${of.task_id}`} name={task ?? of.task_id}>
              {t('models.run', { number: of.run_number })}
            </Origin>
          ),
        },
        {
          key: 'algorithm',
          label: t('models.algorithm'),
          children: <Origin to={`/algorithms/${of.algorithm_id}`} name={algorithm ?? of.algorithm_name} />,
        },
        {
          key: 'dataset',
          label: t('models.dataset'),
          children: (
            <Origin to={`/datasets/${of.dataset_id}?version=${of.dataset_version}`} name={dataset ?? of.dataset_id}>
              {t('models.datasetVersion', { number: of.dataset_version })}
            </Origin>
          ),
        },
        { key: 'seed', label: t('models.seed'), children: <span className="numbers">{of.seed}</span> },
        { key: 'code', label: t('models.codeHash'), children: <Hash value={of.code_hash} /> },
        { key: 'manifest', label: t('models.manifest'), children: <Hash value={of.manifest} /> },
      ]}
    />
  );
}

function Origin({ to, name, children }: { to: string; name: string; children?: ReactNode }) {
  return (
    <span style={{ overflowWrap: 'anywhere' }}>
      <Link to={to}>{name}</Link>
      {children && <Typography.Text type="secondary" style={{ marginInlineStart: 8 }}>{children}</Typography.Text>}
    </span>
  );
}

function Hash({ value }: { value: string }) {
  const { t } = useTranslation();
  if (!value) return '–';
  return (
    <Typography.Text code copyable={{ text: value, tooltips: [t('common.copy'), t('common.copied')] }}>
      {value.slice(0, SHORT)}
    </Typography.Text>
  );
}
