import { Typography } from 'antd';
import { useTranslation } from 'react-i18next';
import { Table } from '@/components/Table';

interface Row {
  name: string;
  value: string;
}

/** The rows of a JSON object; a text that is none gives none. */
export function rowsOf(json: string): Row[] {
  let parsed: unknown;
  try {
    parsed = JSON.parse(json);
  } catch {
    return [];
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) return [];
  return Object.entries(parsed).map(([name, value]) => ({
    name,
    value: typeof value === 'string' ? value : JSON.stringify(value),
  }));
}

/** Parameters, written as JSON, as a table. */
export function ParametersTable({ json }: { json: string }) {
  const { t } = useTranslation();
  const rows = rowsOf(json);
  if (!rows.length) return t('models.noParameters');
  return (
    <Table<Row>
      aria-label={t('models.parameters')}
      rowKey="name"
      size="small"
      pagination={false}
      style={{ maxWidth: 560 }}
      dataSource={rows}
      columns={[
        {
          title: t('models.parameter'),
          dataIndex: 'name',
          width: '50%',
          render: (name: string) => <Typography.Text code>{name}</Typography.Text>,
        },
        {
          title: t('models.value'),
          dataIndex: 'value',
          className: 'numbers',
          render: (value: string) => <span style={{ overflowWrap: 'anywhere' }}>{value}</span>,
        },
      ]}
    />
  );
}
