import { Button, Typography } from 'antd';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';

import type { Service } from '@/api/types';
import { EmptyHint } from '@/components/EmptyHint';
import { When } from '@/components/format';
import { type Mood, StateTag } from '@/components/StateTag';

import { useRecentModels, useRecentServices } from './api';
import { Line, Lines } from './Line';
import { Section } from './Section';

const SHOWN = 5;

const MOODS: Record<Service['state'], Mood> = {
  STATE_UNSPECIFIED: 'quiet',
  STATE_STOPPED: 'quiet',
  STATE_STARTING: 'busy',
  STATE_RUNNING: 'good',
  STATE_STOPPING: 'busy',
  STATE_FAILED: 'bad',
};

export function RecentModels() {
  const { t } = useTranslation();
  const models = useRecentModels();
  return (
    <Section title={t('overview.recentModels')} to="/models" pending={models.isPending} error={models.error}>
      {models.data?.length === 0 && (
        <EmptyHint text={t('overview.modelsEmpty')}>
          <Link to="/tasks/new">
            <Button tabIndex={-1}>{t('overview.newTask')}</Button>
          </Link>
        </EmptyHint>
      )}
      <Lines>
        {models.data?.slice(0, SHOWN).map((model) => (
          <Line
            key={model.id}
            name={model.name}
            to={`/models/${model.id}`}
            beside={
              <>
                <Typography.Text code>{model.latest_version}</Typography.Text>
                <When at={model.updated_at} />
              </>
            }
          />
        ))}
      </Lines>
    </Section>
  );
}

export function RecentServices() {
  const { t } = useTranslation();
  const services = useRecentServices();
  return (
    <Section title={t('overview.recentServices')} to="/services" pending={services.isPending} error={services.error}>
      {services.data?.length === 0 && <EmptyHint text={t('overview.servicesEmpty')} />}
      <Lines>
        {services.data?.slice(0, SHOWN).map((service) => (
          <Line
            key={service.id}
            name={service.name}
            to={`/services/${service.id}`}
            beside={
              <>
                <Typography.Text type="secondary" className="numbers">
                  {t('overview.loads', { actual: service.actual_load, desired: service.desired_load })}
                </Typography.Text>
                <StateTag mood={MOODS[service.state]}>{t(`overview.serviceStates.${service.state}`)}</StateTag>
              </>
            }
          />
        ))}
      </Lines>
    </Section>
  );
}
