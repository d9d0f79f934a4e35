import { App, Button, Tooltip } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useNavigate } from 'react-router';

import type { Dataset } from '@/api/types';
import { useConfirmDelete } from '@/components/actions';
import { lazily } from '@/components/lazily';
import { useMayChange } from '@/features/session/rights';

import { useDeleteDataset, useSwitchDataset } from './api';

const EditDatasetModal = lazily(async () => (await import('./EditDatasetModal')).EditDatasetModal);

export function DatasetActions({ dataset }: { dataset: Dataset }) {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const [editing, setEditing] = useState(false);
  const mayChange = useMayChange()(dataset);
  return (
    <>
      {mayChange && (
        <>
          <Button onClick={() => setEditing(true)}>{t('common.edit')}</Button>
          <OnlineButton dataset={dataset} />
          <DeleteButton dataset={dataset} />
        </>
      )}
      {dataset.online && (
        <Button type="primary" onClick={() => void navigate(`/tasks/new?dataset=${dataset.id}`)}>
          {t('datasets.actions.train')}
        </Button>
      )}
      {editing && <EditDatasetModal dataset={dataset} onClose={() => setEditing(false)} />}
    </>
  );
}

function OnlineButton({ dataset: { id, name, online, state } }: { dataset: Dataset }) {
  const { t } = useTranslation();
  const { message, modal } = App.useApp();
  const change = useSwitchDataset((after) => {
    void message.success(t(after.online ? 'datasets.actions.wentOnline' : 'datasets.actions.wentOffline', { name }));
  });
  if (online) {
    const ask = () =>
      modal.confirm({
        title: t('datasets.actions.goOffline'),
        content: t('datasets.actions.offlineAsk', { name }),
        okText: t('datasets.actions.goOffline'),
        cancelText: t('common.cancel'),
        onOk: () => change.mutateAsync({ id, online: false }).catch(() => undefined),
      });
    return <Button onClick={ask}>{t('datasets.actions.goOffline')}</Button>;
  }
  const possible = state === 'STATE_IMPORTED';
  return (
    <Tooltip title={possible ? '' : t('datasets.actions.onlineNeedsData')}>
      <Button
        type={possible ? 'primary' : 'default'}
        disabled={!possible}
        loading={change.isPending}
        onClick={() => change.mutate({ id, online: true })}
      >
        {t('datasets.actions.goOnline')}
      </Button>
    </Tooltip>
  );
}

function DeleteButton({ dataset: { id, name, online, state } }: { dataset: Dataset }) {
  const { t } = useTranslation();
  const { message } = App.useApp();
  const navigate = useNavigate();
  const confirmDelete = useConfirmDelete();
  const remove = useDeleteDataset(() => {
    void message.success(t('common.deleted', { name }));
    void navigate('/datasets', { replace: true });
  });
  const importing = state === 'STATE_IMPORTING';
  const why = online ? t('datasets.actions.deleteOfflineFirst') : importing ? t('datasets.actions.deleteImporting') : '';
  return (
    <Tooltip title={why}>
      <Button danger disabled={online || importing} onClick={() => confirmDelete(name, () => remove.mutateAsync(id))}>
        {t('common.delete')}
      </Button>
    </Tooltip>
  );
}
