import { Card, Descriptions, Typography } from 'antd';
import { useTranslation } from 'react-i18next';

import type { Interface } from '@/api/types';
import { InterfaceView } from '@/components/InterfaceView';

/** How models of an algorithm are called. */
export function InterfaceCard({ shape }: { shape: Interface | undefined }) {
  const { t } = useTranslation();
  if (!shape?.name) return <Card title={t('algorithms.interface')}>{t('algorithms.noInterface')}</Card>;
  return (
    <Card title={t('algorithms.interface')}>
      <Typography.Paragraph type="secondary">{t('algorithms.interfaceLead')}</Typography.Paragraph>
      <Descriptions
        column={{ xs: 1, md: 3 }}
        items={[
          { label: t('common.name'), children: <span translate="no">{shape.name}</span> },
          { label: t('algorithms.method'), children: shape.method },
          { label: t('algorithms.format'), children: shape.format },
        ]}
      />
      <InterfaceView shown={shape} />
    </Card>
  );
}
