import { Card, Flex, Skeleton, Statistic, Tooltip, Typography } from 'antd';
import { useTranslation } from 'react-i18next';

import type { Report, Task } from '@/api/types';
import { EmptyHint } from '@/components/EmptyHint';
import { ErrorAlert } from '@/components/errors';
import { count } from '@/components/format';

import { useReport } from '../api';
import { ClassTable } from './ClassTable';
import { Confusion } from './Confusion';
import { WorstSamples } from './WorstSamples';

const SCORES = ['accuracy', 'precision', 'recall', 'f1'] as const;

export function ReportTab({ task }: { task: Task }) {
  const { t } = useTranslation();
  const { data, error, isPending, refetch } = useReport(task);
  if (!task.scores) return <EmptyHint text={t('tasks.report.notYet')} />;
  if (error) return <ErrorAlert error={error} onRetry={() => void refetch()} />;
  if (isPending) return <Skeleton active />;
  const report = data as Report;
  return (
    <Flex vertical gap={16}>
      <Card size="small">
        <Flex gap={40} wrap>
          {SCORES.map((name) => (
            <Statistic
              key={name}
              title={
                <Tooltip title={t(`tasks.report.means.${name}`)}>
                  <span tabIndex={0} style={{ borderBlockEnd: '1px dotted', cursor: 'help' }}>
                    {t(`tasks.metric.${name}`)}
                  </span>
                </Tooltip>
              }
              value={(report.overall?.[name] ?? 0) * 100}
              precision={2}
              suffix="%"
            />
          ))}
        </Flex>
        <Typography.Text type="secondary">
          {t('tasks.report.basis', {
            right: count(Math.round((report.overall?.accuracy ?? 0) * Number(report.test_samples))),
            test: count(report.test_samples),
            train: count(report.train_samples),
          })}
          {Number(report.non_compliant) > 0 && ` ${t('tasks.report.nonCompliant', { count: Number(report.non_compliant) })}`}
        </Typography.Text>
      </Card>
      <ClassTable report={report} />
      <Confusion report={report} />
      <WorstSamples report={report} datasetId={task.dataset_id} />
    </Flex>
  );
}
