import { Button, Popconfirm, Tooltip } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';

import type { Service } from '@/api/types';
import { useConfirmDelete } from '@/components/actions';
import { lazily } from '@/components/lazily';

import { LOAD, useDeleteService, useScaleService, useStartService, useStopService } from './api';

const EditServiceModal = lazily(async () => (await import('./EditServiceModal')).EditServiceModal);
const LoadModal = lazily(async () => (await import('./LoadModal')).LoadModal);

type Open = 'start' | 'scale' | 'edit';

/** What can be done with a service in its state. */
export function ServiceActions({ service }: { service: Service }) {
  const { t } = useTranslation();
  const [open, setOpen] = useState<Open>();
  const close = () => setOpen(undefined);
  const start = useStartService(service.id);
  const scale = useScaleService(service.id);
  const up = service.state === 'STATE_RUNNING' || service.state === 'STATE_STARTING';
  return (
    <>
      {up ? (
        <>
          <Button onClick={() => setOpen('scale')}>{t('services.changeLoad')}</Button>
          <StopButton service={service} />
        </>
      ) : (
        <Button type="primary" disabled={service.state === 'STATE_STOPPING'} onClick={() => setOpen('start')}>
          {t('services.start')}
        </Button>
      )}
      <Button onClick={() => setOpen('edit')}>{t('common.edit')}</Button>
      <DeleteButton service={service} />
      {open === 'start' && (
        <LoadModal
          title={t('services.startTitle')}
          okText={t('services.start')}
          load={LOAD.min}
          busy={start.isPending}
          onOk={(load) => start.mutate(load, { onSuccess: close })}
          onClose={close}
        />
      )}
      {open === 'scale' && (
        <LoadModal
          title={t('services.changeLoad')}
          okText={t('common.save')}
          load={service.desired_load}
          busy={scale.isPending}
          onOk={(load) => scale.mutate(load, { onSuccess: close })}
          onClose={close}
        />
      )}
      {open === 'edit' && <EditServiceModal service={service} onClose={close} />}
    </>
  );
}

function StopButton({ service }: { service: Service }) {
  const { t } = useTranslation();
  const stop = useStopService(service.id);
  return (
    <Popconfirm
      title={t('services.stopAsk', { name: service.name })}
      description={t('services.stopHint')}
      okText={t('services.stop')}
      cancelText={t('common.cancel')}
      onConfirm={() => stop.mutate()}
      styles={{ root: { maxWidth: 360 } }}
    >
      <Button loading={stop.isPending}>{t('services.stop')}</Button>
    </Popconfirm>
  );
}

function DeleteButton({ service }: { service: Service }) {
  const { t } = useTranslation();
  const confirm = useConfirmDelete();
  const remove = useDeleteService(service);
  const settled = service.state === 'STATE_STOPPED' || service.state === 'STATE_FAILED';
  return (
    <Tooltip title={settled ? '' : t('services.deleteHint')}>
      <Button danger disabled={!settled} onClick={() => confirm(service.name, () => remove.mutateAsync())}>
        {t('common.delete')}
      </Button>
    </Tooltip>
  );
}
