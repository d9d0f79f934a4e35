import { Card, Skeleton, Typography } from 'antd';
import { useTranslation } from 'react-i18next';

import { ErrorAlert } from '@/components/errors';
import { useServicesOfModel } from '@/features/services/api';

import { ServiceLinks } from './ServiceLinks';

export function UsedBy({ modelId }: { modelId: string }) {
  const { t } = useTranslation();
  const { data, error, isPending, refetch } = useServicesOfModel(modelId);
  return (
    <Card size="small" title={t('models.usedBy')}>
      <ErrorAlert error={error} onRetry={() => void refetch()} />
      {isPending && <Skeleton active title={false} paragraph={{ rows: 2 }} />}
      {data?.length === 0 && <Typography.Text type="secondary">{t('models.unused')}</Typography.Text>}
      {data && <ServiceLinks services={data} />}
    </Card>
  );
}
