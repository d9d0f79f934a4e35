import { Card, Col, Row, Tabs } from 'antd';
import { useTranslation } from 'react-i18next';
import { useParams } from 'react-router';

import { ApiError } from '@/api/errors';
import { Loading } from '@/app/states';
import { ErrorResult } from '@/components/errors';
import { useFilter } from '@/components/list';
import { Page } from '@/components/Page';
import { lazily } from '@/components/lazily';

import { useService } from './api';
import { ServiceActions } from './ServiceActions';
import { ServiceFacts } from './ServiceFacts';
import { ServiceStateTag } from './ServiceStateTag';
import { StateNotice } from './StateNotice';

const OnlineTest = lazily(async () => (await import('./OnlineTest')).OnlineTest);
const Snippets = lazily(async () => (await import('./Snippets')).Snippets);
const Traffic = lazily(async () => (await import('./traffic/Traffic')).Traffic);
const InterfaceView = lazily(async () => (await import('@/components/InterfaceView')).InterfaceView);

export default function ServicePage() {
  const { t } = useTranslation();
  const { id = '' } = useParams();
  const [tab, setTab] = useFilter('tab');
  const query = useService(id);
  if (query.error && (!query.data || (query.error instanceof ApiError && query.error.code === 404))) {
    return <ErrorResult error={query.error} onRetry={() => void query.refetch()} />;
  }
  if (!query.data) return <Loading />;
  const service = query.data;
  return (
    <Page
      title={service.name}
      parent={{ title: t('services.title'), to: '/services' }}
      beside={<ServiceStateTag service={service} />}
      actions={<ServiceActions service={service} />}
    >
      <StateNotice service={service} />
      <Row gutter={[16, 16]}>
        <Col xs={24} xl={17}>
          <Card size="small" styles={{ body: { paddingBlockStart: 4 } }}>
            <Tabs
              activeKey={tab || 'test'}
              onChange={(key) => setTab(key === 'test' ? undefined : key)}
              items={[
                { key: 'test', label: t('services.test.tab'), children: <OnlineTest service={service} /> },
                { key: 'call', label: t('services.snippets.tab'), children: <Snippets service={service} /> },
                { key: 'traffic', label: t('services.traffic.tab'), children: <Traffic serviceId={service.id} /> },
                {
                  key: 'interface',
                  label: t('services.interface'),
                  children: <InterfaceView shown={service.interface} />,
                },
              ]}
            />
          </Card>
        </Col>
        <Col xs={24} xl={7}>
          <ServiceFacts service={service} />
        </Col>
      </Row>
    </Page>
  );
}
