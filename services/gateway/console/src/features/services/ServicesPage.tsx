import { Button, Flex, Select, type TableColumnsType, Tooltip, Typography } from 'antd';
import type { TFunction } from 'i18next';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';

import type { Service, ServiceState } from '@/api/types';
import { EmptyHint } from '@/components/EmptyHint';
import { When } from '@/components/format';
import { ListTable, useFilter } from '@/components/list';
import { Page } from '@/components/Page';
import { lazily } from '@/components/lazily';
import { waitingText } from '@/components/waiting';

import { useServices } from './api';
import { ServiceStateTag } from './ServiceStateTag';

const NewServiceModal = lazily(async () => (await import('./NewServiceModal')).NewServiceModal);

const STATES = ['STATE_RUNNING', 'STATE_STARTING', 'STATE_STOPPING', 'STATE_STOPPED', 'STATE_FAILED'] as const;

export default function ServicesPage() {
  const { t } = useTranslation();
  const [chosen, setState] = useFilter('state');
  const state = STATES.find((one) => one === chosen) ?? '';
  const list = useServices(state);
  const [making, setMaking] = useState(false);
  return (
    <Page
      title={t('services.title')}
      lead={t('services.lead')}
      actions={
        <Button type="primary" onClick={() => setMaking(true)}>
          {t('services.new')}
        </Button>
      }
    >
      <ListTable<Service>
        label={t('services.title')}
        list={list}
        width={980}
        columns={columns(t)}
        filters={
          <Select<ServiceState | ''>
            aria-label={t('services.stateFilter')}
            style={{ width: 160 }}
            value={state}
            onChange={(value) => setState(value || undefined)}
            options={[
              { value: '', label: t('common.all') },
              ...STATES.map((value) => ({ value, label: t(`services.states.${value}`) })),
            ]}
          />
        }
        empty={state ? <NoneInState onAll={() => setState(undefined)} /> : <NoService />}
      />
      {making && <NewServiceModal onClose={() => setMaking(false)} />}
    </Page>
  );
}

function NoService() {
  const { t } = useTranslation();
  return (
    <EmptyHint text={t('services.empty')}>
      <Link to="/models">
        <Button>{t('services.toModels')}</Button>
      </Link>
    </EmptyHint>
  );
}

function NoneInState({ onAll }: { onAll: () => void }) {
  const { t } = useTranslation();
  return (
    <EmptyHint text={t('services.emptyFiltered')}>
      <Button onClick={onAll}>{t('services.showAll')}</Button>
    </EmptyHint>
  );
}

function columns(t: TFunction): TableColumnsType<Service> {
  return [
    {
      title: t('common.name'),
      width: 220,
      render: (_, service) => (
        <Link to={`/services/${service.id}`} style={{ overflowWrap: 'anywhere' }}>
          {service.name}
        </Link>
      ),
    },
    { title: t('common.state'), width: 200, render: (_, service) => <State service={service} /> },
    {
      title: t('services.loadFull'),
      width: 130,
      className: 'numbers',
      render: (_, { actual_load: actual, desired_load: desired }) => (
        <Tooltip title={t('services.loadOf', { actual, desired })}>{`${actual} / ${desired}`}</Tooltip>
      ),
    },
    {
      title: t('services.model'),
      width: 180,
      render: (_, service) => (
        <Link
          to={`/models/${service.model_id}?version=${service.model_version_id}`}
          style={{ overflowWrap: 'anywhere' }}
        >
          {t('services.modelVersion', { name: service.model_name, number: service.model_number })}
        </Link>
      ),
    },
    {
      title: t('services.address'),
      width: 130,
      render: (_, service) => (
        <Typography.Text
          copyable={{
            text: window.location.origin + service.address,
            tooltips: [t('common.copy'), t('common.copied')],
          }}
          ellipsis={{ tooltip: service.address }}
          style={{ maxWidth: 250 }}
        >
          {service.address}
        </Typography.Text>
      ),
    },
    { title: t('common.updated'), width: 120, render: (_, service) => <When at={service.updated_at} /> },
  ];
}

/** The state and, in short, what hinders. */
function State({ service }: { service: Service }) {
  const { t } = useTranslation();
  const hindrance = service.error || waitingText(t, service.waiting_reason);
  return (
    <Flex vertical align="flex-start" gap={2}>
      <ServiceStateTag service={service} />
      {hindrance && (
        <Typography.Text
          type={service.error ? 'danger' : 'secondary'}
          ellipsis={{ tooltip: hindrance }}
          style={{ fontSize: 12, maxWidth: 190 }}
        >
          {hindrance}
        </Typography.Text>
      )}
    </Flex>
  );
}
