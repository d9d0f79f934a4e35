import { Empty, type TableColumnsType, Typography } from 'antd';
import type { TFunction } from 'i18next';
import { useTranslation } from 'react-i18next';

import type { Interface, InterfaceParameter } from '@/api/types';
import { Table } from '@/components/Table';

interface Field {
  name: string;
  type: string;
  description: string;
}

/** What a model takes and what it answers. */
export function InterfaceView({ shown }: { shown: Interface | undefined }) {
  const { t } = useTranslation();
  if (!shown?.parameters.length) return <Empty description={t('services.test.noInterface')} />;
  const fields = answerFields(shown.returns);
  return (
    <>
      <Table<InterfaceParameter>
        aria-label={t('services.interface.parameters')}
        title={() => t('services.interface.parameters')}
        rowKey="name"
        size="small"
        pagination={false}
        scroll={{ x: 560 }}
        columns={inputColumns(t)}
        dataSource={shown.parameters}
      />
      {fields ? (
        <Table<Field>
          aria-label={t('services.interface.returns')}
          title={() => t('services.interface.returns')}
          rowKey="name"
          size="small"
          pagination={false}
          scroll={{ x: 560 }}
          columns={answerColumns(t)}
          dataSource={fields}
          style={{ marginBlockStart: 12 }}
        />
      ) : (
        shown.returns && (
          <Typography.Paragraph style={{ marginBlockStart: 12, overflowWrap: 'anywhere' }}>
            {t('services.interface.returns')}
            {': '}
            {shown.returns}
          </Typography.Paragraph>
        )
      )}
    </>
  );
}

/** The fields of an answer, where the algorithm listed them; a sentence is possible as well. */
export function answerFields(returns: string): Field[] | undefined {
  try {
    const parsed: unknown = JSON.parse(returns);
    if (!Array.isArray(parsed)) return undefined;
    return parsed.map((one: Partial<Field>) => ({
      name: String(one.name ?? ''),
      type: String(one.type ?? ''),
      description: String(one.description ?? ''),
    }));
  } catch {
    return undefined;
  }
}

function typeName(t: TFunction, type: string): string {
  switch (type) {
    case 'text':
    case 'image':
    case 'number':
    case 'object':
      return t(`services.interface.types.${type}`);
    default:
      return type;
  }
}

function inputColumns(t: TFunction): TableColumnsType<InterfaceParameter> {
  return [
    { title: t('services.interface.parameter'), dataIndex: 'name', width: 120, render: code },
    { title: t('services.interface.type'), dataIndex: 'type', width: 80, render: (type: string) => typeName(t, type) },
    {
      title: t('services.interface.required'),
      dataIndex: 'required',
      width: 80,
      render: (required: boolean) => (required ? t('services.interface.yes') : t('services.interface.no')),
    },
    { title: t('services.interface.description'), dataIndex: 'description' },
    {
      title: t('services.interface.testValue'),
      dataIndex: 'test_value',
      width: 180,
      render: (value: string) => (
        <Typography.Text ellipsis={{ tooltip: value.slice(0, 500) }} style={{ maxWidth: 164 }}>
          {value || '–'}
        </Typography.Text>
      ),
    },
  ];
}

function answerColumns(t: TFunction): TableColumnsType<Field> {
  return [
    { title: t('services.interface.field'), dataIndex: 'name', width: 160, render: code },
    { title: t('services.interface.type'), dataIndex: 'type', width: 100, render: (type: string) => typeName(t, type) },
    { title: t('services.interface.description'), dataIndex: 'description' },
  ];
}

function code(name: string) {
  return <Typography.Text code>{name}</Typography.Text>;
}
