import { Empty, type TableColumnsType, Typography } from 'antd';
import type { TFunction } from 'i18next';
import { useTranslation } from 'react-i18next';

import type { Interface, InterfaceParameter } from '@/api/types';
import { type InLanguage, useInLanguage } from '@/i18n/bilingual';

import { Table } from './Table';

interface Field {
  name: string;
  type: string;
  description: string;
}

/** What a model takes and what it answers. */
export function InterfaceView({ shown }: { shown: Interface | undefined }) {
  const { t } = useTranslation();
  const inLanguage = useInLanguage();
  if (!shown?.parameters.length) return <Empty description={t('common.interface.none')} />;
  const fields = answerFields(shown.returns);
  return (
    <>
      <Table<InterfaceParameter>
        aria-label={t('common.interface.parameters')}
        title={() => t('common.interface.parameters')}
        rowKey="name"
        size="small"
        pagination={false}
        scroll={{ x: 560 }}
        columns={inputColumns(t, inLanguage)}
        dataSource={shown.parameters}
      />
      {fields ? (
        <Table<Field>
          aria-label={t('common.interface.returns')}
          title={() => t('common.interface.returns')}
          rowKey="name"
          size="small"
          pagination={false}
          scroll={{ x: 560 }}
          columns={answerColumns(t, inLanguage)}
          dataSource={fields}
          style={{ marginBlockStart: 12 }}
        />
      ) : (
        shown.returns && (
          <Typography.Paragraph style={{ marginBlockStart: 12, overflowWrap: 'anywhere' }}>
            {t('common.interface.returns')}
            {': '}
            {inLanguage(shown.returns)}
          </Typography.Paragraph>
        )
      )}
    </>
  );
}

const FIELD = /^(?<name>\S+) \((?<type>\S+)\): (?<description>.*)$/u;

/** Models that were published before 0.2 have the list as JSON. */
function fromJson(returns: string): Field[] | undefined {
  try {
    const listed = JSON.parse(returns) as Partial<Field>[];
    const fields = listed.map(({ name = '', type = '', description = '' }) => ({ name, type, description }));
    return fields.every((field) => Object.values(field).every((text) => typeof text === 'string')) ? fields : undefined;
  } catch {
    return undefined;
  }
}

/** The fields of an answer, where they are listed one a line; a sentence is possible as well. */
export function answerFields(returns: string): Field[] | undefined {
  if (returns.startsWith('[')) return fromJson(returns);
  const fields = returns.split('\n').map((line) => FIELD.exec(line)?.groups as Field | undefined);
  return fields.every((field) => field !== undefined) ? fields : undefined;
}

function typeName(t: TFunction, type: string): string {
  switch (type) {
    case 'text':
    case 'image':
    case 'number':
    case 'object':
      return t(`common.interface.types.${type}`);
    default:
      return type;
  }
}

function inputColumns(t: TFunction, inLanguage: InLanguage): TableColumnsType<InterfaceParameter> {
  return [
    { title: t('common.interface.parameter'), dataIndex: 'name', width: 120, render: code },
    { title: t('common.interface.type'), dataIndex: 'type', width: 80, render: (type: string) => typeName(t, type) },
    {
      title: t('common.interface.required'),
      dataIndex: 'required',
      width: 80,
      render: (required: boolean) => (required ? t('common.interface.yes') : t('common.interface.no')),
    },
    { title: t('common.interface.description'), dataIndex: 'description', render: inLanguage },
    {
      title: t('common.interface.testValue'),
      dataIndex: 'test_value',
      width: 180,
      render: (value: string) => (
        <Typography.Text
          ellipsis={{ tooltip: value.slice(0, 500) }}
          copyable={value ? { text: value } : false}
          style={{ maxWidth: 164 }}
        >
          {value || '–'}
        </Typography.Text>
      ),
    },
  ];
}

function answerColumns(t: TFunction, inLanguage: InLanguage): TableColumnsType<Field> {
  return [
    { title: t('common.interface.field'), dataIndex: 'name', width: 160, render: code },
    { title: t('common.interface.type'), dataIndex: 'type', width: 100, render: (type: string) => typeName(t, type) },
    { title: t('common.interface.description'), dataIndex: 'description', render: inLanguage },
  ];
}

function code(name: string) {
  return <Typography.Text code>{name}</Typography.Text>;
}
