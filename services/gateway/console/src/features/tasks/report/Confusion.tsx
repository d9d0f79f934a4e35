import { Card, Typography } from 'antd';
import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';

import type { Report } from '@/api/types';
import { EmptyHint } from '@/components/EmptyHint';
import { count, percent } from '@/components/format';
import { Table } from '@/components/Table';

import { type Confused, confusionsOf } from './confusions';
import { Matrix } from './Matrix';

/** More classes than these make no matrix that could be read. */
const READABLE = 30;
const LISTED = 50;

export function Confusion({ report }: { report: Report }) {
  const { t } = useTranslation();
  const readable = report.classes.length <= READABLE;
  return (
    <Card size="small" title={t('tasks.report.confusion')}>
      <Typography.Paragraph type="secondary">
        {t(readable ? 'tasks.report.confusionHint' : 'tasks.report.confusionTop')}
      </Typography.Paragraph>
      {readable ? <Matrix report={report} /> : <Largest report={report} />}
    </Card>
  );
}

function Largest({ report }: { report: Report }) {
  const { t } = useTranslation();
  const confusions = useMemo(() => confusionsOf(report), [report]);
  if (!confusions.length) return <EmptyHint text={t('tasks.report.confusionNone')} />;
  return (
    <Table<Confused>
      aria-label={t('tasks.report.confusion')}
      rowKey={({ actual, predicted }) => `${actual}\n${predicted}`}
      size="small"
      dataSource={confusions.slice(0, LISTED)}
      pagination={{ pageSize: 10, hideOnSinglePage: true, showSizeChanger: false }}
      scroll={{ x: 480 }}
      columns={[
        { title: t('tasks.report.actual'), dataIndex: 'actual', ellipsis: true },
        { title: t('tasks.report.predictedAs'), dataIndex: 'predicted', ellipsis: true },
        {
          title: t('tasks.report.count'),
          key: 'count',
          width: 100,
          align: 'end',
          className: 'numbers',
          render: (_, one) => count(one.count),
        },
        {
          title: t('tasks.report.ofClass'),
          key: 'share',
          width: 120,
          align: 'end',
          className: 'numbers',
          render: (_, one) => percent(one.share),
        },
      ]}
    />
  );
}
