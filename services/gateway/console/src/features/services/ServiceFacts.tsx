import { Card, Typography } from 'antd';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';

import type { Service } from '@/api/types';
import { Id, When } from '@/components/format';
import { useTaskName } from '@/features/models/api';

export function ServiceFacts({ service }: { service: Service }) {
  const { t } = useTranslation();
  const task = useTaskName(service.task_id);
  const { actual_load: actual, desired_load: desired } = service;
  return (
    <Card title={t('services.facts')} size="small">
      <dl
        style={{
          display: 'grid',
          gridTemplateColumns: 'repeat(auto-fill, minmax(min(220px, 100%), 1fr))',
          gap: '12px 24px',
          margin: 0,
        }}
      >
        <Fact label={t('common.description')}>
          {service.description ? (
            <span style={{ whiteSpace: 'pre-wrap' }}>{service.description}</span>
          ) : (
            <Typography.Text type="secondary">{t('services.noDescription')}</Typography.Text>
          )}
        </Fact>
        <Fact label={t('services.load')}>{t('services.loadOf', { actual, desired })}</Fact>
        <Fact label={t('services.model')}>
          <Link to={`/models/${service.model_id}?version=${service.model_version_id}`}>
            {t('services.modelVersion', { name: service.model_name, number: service.model_number })}
          </Link>
        </Fact>
        <Fact label={t('services.task')}>
          {service.task_id ? <Link to={`/tasks/${service.task_id}`}>{task ?? service.task_id}</Link> : t('common.none')}
        </Fact>
        <Fact label={t('services.address')}>
          <Id value={window.location.origin + service.address} />
        </Fact>
        <Fact label={t('common.id')}>
          <Id value={service.id} />
        </Fact>
        <Fact label={t('common.visibility')}>{t(`common.visibilities.${service.visibility}`)}</Fact>
        <Fact label={t('common.created')}>
          <When at={service.created_at} />
        </Fact>
        <Fact label={t('common.updated')}>
          <When at={service.updated_at} />
        </Fact>
      </dl>
    </Card>
  );
}

function Fact({ label, children }: { label: string; children: ReactNode }) {
  return (
    <div style={{ minWidth: 0 }}>
      <dt>
        <Typography.Text type="secondary" style={{ fontSize: 13 }}>
          {label}
        </Typography.Text>
      </dt>
      <dd style={{ margin: '2px 0 0', overflowWrap: 'anywhere' }}>{children}</dd>
    </div>
  );
}
