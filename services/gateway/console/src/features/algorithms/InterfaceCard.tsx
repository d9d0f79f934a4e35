import { Card, Descriptions, Flex, Typography } from 'antd';
import { useTranslation } from 'react-i18next';

import type { Interface } from '@/api/types';
import { Table } from '@/components/Table';

const LONGEST_EXAMPLE = 60;

/** How models of an algorithm are called. */
export function InterfaceCard({ shape }: { shape: Interface | undefined }) {
  const { t } = useTranslation();
  if (!shape?.name) return <Card title={t('algorithms.interface')}>{t('algorithms.noInterface')}</Card>;
  return (
    <Card title={t('algorithms.interface')}>
      <Typography.Paragraph type="secondary">{t('algorithms.interfaceLead')}</Typography.Paragraph>
      <Flex vertical gap={16}>
        <Descriptions
          column={{ xs: 1, md: 3 }}
          items={[
            { label: t('common.name'), children: <span translate="no">{shape.name}</span> },
            { label: t('algorithms.method'), children: shape.method },
            { label: t('algorithms.format'), children: shape.format },
          ]}
        />
        <Table
          aria-label={t('algorithms.inputs')}
          size="small"
          title={() => <Typography.Text strong>{t('algorithms.inputs')}</Typography.Text>}
          rowKey="name"
          pagination={false}
          scroll={{ x: 640 }}
          dataSource={shape.parameters}
          columns={[
            { title: t('algorithms.parameterName'), dataIndex: 'name', width: 140 },
            { title: t('algorithms.parameterType'), dataIndex: 'type', width: 100 },
            {
              title: t('algorithms.required'),
              width: 90,
              render: (_, { required }) => t(required ? 'algorithms.requiredYes' : 'algorithms.requiredNo'),
            },
            { title: t('common.description'), dataIndex: 'description' },
            {
              title: t('algorithms.testValue'),
              render: (_, { test_value }) => <Example value={test_value} />,
            },
          ]}
        />
        <div>
          <Typography.Text strong>{t('algorithms.outputs')}</Typography.Text>
          <Typography.Paragraph style={{ margin: '8px 0 0', overflowWrap: 'anywhere' }}>
            {shape.returns || t('common.none')}
          </Typography.Paragraph>
        </div>
      </Flex>
    </Card>
  );
}

/** Images are long in base64: the beginning is enough to tell what it is. */
function Example({ value }: { value: string }) {
  const { t } = useTranslation();
  if (!value) return <>{t('common.none')}</>;
  return (
    <Typography.Text style={{ overflowWrap: 'anywhere' }} copyable={{ text: value }}>
      {value.length > LONGEST_EXAMPLE ? `${value.slice(0, LONGEST_EXAMPLE)}…` : value}
    </Typography.Text>
  );
}
