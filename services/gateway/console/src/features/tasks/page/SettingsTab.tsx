import { Card, Descriptions, Flex, Typography } from 'antd';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';

import type { Task } from '@/api/types';
import { Id, percent, When } from '@/components/format';
import { useAlgorithmTitle } from '@/features/algorithms/title';
import { usePurposeText } from '@/features/datasets/purpose';

import { useAlgorithm, useDataset } from '../api';
import { askedOf, parseObject } from '../wizard/draft';

/** What the task is made of. */
export function SettingsTab({ task }: { task: Task }) {
  const { t } = useTranslation();
  const dataset = useDataset(task.dataset_id).data;
  const algorithm = useAlgorithm(task.algorithm_id).data;
  const titleOf = useAlgorithmTitle();
  const purposeText = usePurposeText();
  const asked = askedOf(task);
  const rows: [string, ReactNode][] = [
    [t('common.id'), <Id value={task.id} />],
    [t('common.purpose'), purposeText(task.purpose)],
    [t('tasks.dataset'), <Link to={`/datasets/${task.dataset_id}`}>{dataset?.name ?? task.dataset_id}</Link>],
    [t('tasks.page.settings.version'), `v${task.dataset_version}`],
    [
      t('tasks.algorithm'),
      <Link to={`/algorithms/${task.algorithm_id}`}>{algorithm ? titleOf(algorithm) : task.algorithm_id}</Link>,
    ],
    [t('tasks.wizard.share'), task.train_share ? percent(task.train_share, 0) : t('tasks.wizard.testSetOwn')],
    [t('tasks.wizard.seed'), task.seed],
    [
      t('tasks.page.settings.resources'),
      t('tasks.page.settings.resourcesText', { cpu: asked.cores, memory: `${asked.memoryGib} GiB`, gpu: asked.gpus }),
    ],
    [t('tasks.wizard.timeLimit'), `${asked.hours} ${t('tasks.wizard.hours')}`],
    [t('common.visibility'), t(`common.visibilities.${task.visibility}`)],
    [t('common.created'), <When at={task.created_at} />],
    [t('tasks.page.settings.submitted'), <When at={task.submitted_at} />],
    [t('tasks.page.settings.started'), <When at={task.started_at} />],
    [t('tasks.page.settings.ended'), <When at={task.ended_at} />],
    ...(task.workload_id
      ? ([[t('tasks.page.settings.workload'), <Id value={task.workload_id} />]] satisfies [string, ReactNode][])
      : []),
  ];
  return (
    <Flex vertical gap={16}>
      <Card size="small">
        <Descriptions
          size="small"
          column={{ xs: 1, md: 2 }}
          styles={{ content: { overflowWrap: 'anywhere', minWidth: 0 } }}
          items={rows.map(([label, children]) => ({ key: label, label, children }))}
        />
      </Card>
      <Card size="small" title={t('tasks.page.settings.parameters')}>
        <Descriptions
          size="small"
          column={{ xs: 1, sm: 2, md: 3 }}
          items={Object.entries(parseObject(task.parameters) ?? {}).map(([name, value]) => ({
            key: name,
            label: <code>{name}</code>,
            children: (
              <Typography.Text style={{ overflowWrap: 'anywhere' }}>
                {typeof value === 'string' ? value : JSON.stringify(value)}
              </Typography.Text>
            ),
          }))}
        />
      </Card>
    </Flex>
  );
}
