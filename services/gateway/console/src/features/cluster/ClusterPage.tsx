import { Typography } from 'antd';
import { useTranslation } from 'react-i18next';

import { Page } from '@/components/Page';

import { useNodes } from './api';
import { Nodes } from './Nodes';
import { Queues } from './Queues';
import { Workloads } from './Workloads';

export default function ClusterPage() {
  const { t } = useTranslation();
  const nodes = useNodes();
  return (
    <Page title={t('cluster.title')} lead={t('cluster.lead')}>
      <Typography.Title level={2} style={{ fontSize: 16, marginBlock: '0 8px' }}>
        {t('cluster.nodes')}
      </Typography.Title>
      <Nodes list={nodes} />
      <Typography.Title level={2} style={{ fontSize: 16, marginBlock: '24px 8px' }}>
        {t('cluster.queues')}
      </Typography.Title>
      <Queues />
      <Typography.Title level={2} style={{ fontSize: 16, marginBlock: '24px 8px' }}>
        {t('cluster.workloads')}
      </Typography.Title>
      <Workloads nodes={nodes.items} />
    </Page>
  );
}
