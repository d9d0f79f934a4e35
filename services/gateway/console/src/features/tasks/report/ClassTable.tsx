import { Card, theme } from 'antd';
import { useTranslation } from 'react-i18next';

import type { Report } from '@/api/types';
import { count, percent } from '@/components/format';
import { Table } from '@/components/Table';

type ClassScores = Report['per_class'][number];

const MANY = 20;
const SHARES = ['precision', 'recall', 'f1'] as const;

export function ClassTable({ report }: { report: Report }) {
  const { t } = useTranslation();
  return (
    <Card size="small" title={t('tasks.report.perClass')}>
      <Table<ClassScores>
        aria-label={t('tasks.report.perClass')}
        rowKey="class_name"
        size="small"
        dataSource={report.per_class}
        scroll={{ x: 720 }}
        pagination={report.per_class.length > MANY ? { pageSize: MANY, showSizeChanger: false } : false}
        columns={[
          {
            title: t('tasks.report.class'),
            dataIndex: 'class_name',
            ellipsis: true,
            sorter: (a, b) => a.class_name.localeCompare(b.class_name, undefined, { numeric: true }),
          },
          ...SHARES.map((name) => ({
            title: t(`tasks.metric.${name}`),
            key: name,
            width: 140,
            sorter: (a: ClassScores, b: ClassScores) => a[name] - b[name],
            render: (_: unknown, one: ClassScores) => <Share value={one[name]} />,
          })),
          {
            title: t('tasks.report.support'),
            key: 'support',
            width: 120,
            align: 'end',
            className: 'numbers',
            sorter: (a, b) => Number(a.support) - Number(b.support),
            render: (_, one) => count(one.support),
          },
        ]}
      />
    </Card>
  );
}

/** A share as number and bar. */
function Share({ value }: { value: number }) {
  const { token } = theme.useToken();
  return (
    <span style={{ display: 'flex', alignItems: 'center', gap: 8 }}>
      <span className="numbers" style={{ width: 62, textAlign: 'end' }}>
        {percent(value)}
      </span>
      <span aria-hidden style={{ flex: 1, maxWidth: 60, height: 6, borderRadius: 3, background: token.colorFillSecondary }}>
        <span
          style={{
            display: 'block',
            width: `${value * 100}%`,
            height: '100%',
            borderRadius: 3,
            background: token.colorPrimary,
          }}
        />
      </span>
    </span>
  );
}
