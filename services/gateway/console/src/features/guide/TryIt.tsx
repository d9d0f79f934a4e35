import { RocketOutlined } from '@ant-design/icons';
import { Alert, Button, Card, Flex, Spin, Typography } from 'antd';
import { useTranslation } from 'react-i18next';

import type { Service, Task } from '@/api/types';
import { useCommand } from '@/components/actions';

import { serve, startService } from './api';
import { AskImage } from './AskImage';
import { AskText } from './AskText';

interface Props {
  task: Task;
  service: Service | undefined;
  onService: (id: string) => void;
}

/** Makes a service of the model, and asks it. */
export function TryIt({ task, service, onService }: Props) {
  const { t } = useTranslation();
  const make = useCommand(() => serve(task), {
    changes: ['tasks', 'models', 'services'],
    onDone: (made) => onService(made.id),
  });
  const start = useCommand((id: string) => startService(id), { changes: ['services'] });

  if (!service) {
    return (
      <Card style={{ height: '100%' }}>
        <Flex vertical gap={12} align="flex-start">
          <Typography.Title level={2} style={{ fontSize: 20, margin: 0 }}>
            {t('guide.tryIt')}
          </Typography.Title>
          <Typography.Text>{t('guide.tryHint')}</Typography.Text>
          <Button type="primary" size="large" icon={<RocketOutlined />} loading={make.isPending} onClick={() => make.mutate()}>
            {t('guide.tryIt')}
          </Button>
        </Flex>
      </Card>
    );
  }
  return (
    <Card style={{ height: '100%' }}>
      <Typography.Title level={2} style={{ fontSize: 20, marginBlock: '0 12px' }}>
        {t('guide.tryIt')}
      </Typography.Title>
      {service.state === 'STATE_RUNNING' && <Ask service={service} />}
      {(service.state === 'STATE_STARTING' || service.state === 'STATE_STOPPING') && (
        <Flex vertical gap={8} role="status">
          <Flex gap={10} align="center">
            <Spin />
            {t('guide.serviceStarting')}
          </Flex>
          {service.waiting_reason && (
            <Typography.Text type="secondary">{t('guide.waitingReason', { reason: service.waiting_reason })}</Typography.Text>
          )}
        </Flex>
      )}
      {(service.state === 'STATE_STOPPED' || service.state === 'STATE_FAILED') && (
        <Alert
          type={service.state === 'STATE_FAILED' ? 'error' : 'info'}
          showIcon
          title={service.state === 'STATE_FAILED' ? t('guide.serviceFailed') : t('guide.serviceStopped')}
          description={service.error}
          action={
            <Button type="primary" loading={start.isPending} onClick={() => start.mutate(service.id)}>
              {t('guide.serviceStart')}
            </Button>
          }
        />
      )}
    </Card>
  );
}

function Ask({ service }: { service: Service }) {
  const image = service.interface?.parameters[0]?.type === 'image';
  return image ? <AskImage service={service} /> : <AskText service={service} />;
}
