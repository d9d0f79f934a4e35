import { App, Button, Tooltip } from 'antd';
import { useTranslation } from 'react-i18next';
import { useNavigate } from 'react-router';

import type { Algorithm } from '@/api/types';
import { useConfirmDelete } from '@/components/actions';
import { useMayChange } from '@/features/session/rights';

import { useDeleteAlgorithm, useSwitchAlgorithm } from './api';
import { useAlgorithmTitle } from './title';

export function AlgorithmActions({ algorithm }: { algorithm: Algorithm }) {
  const { t } = useTranslation();
  const { message, modal } = App.useApp();
  const navigate = useNavigate();
  const name = useAlgorithmTitle()(algorithm);
  const mayChange = useMayChange()(algorithm);
  const confirmDelete = useConfirmDelete();
  const { id, online } = algorithm;
  const change = useSwitchAlgorithm((after) => {
    void message.success(t(after.online ? 'algorithms.wentOnline' : 'algorithms.wentOffline', { name }));
  });
  const remove = useDeleteAlgorithm(() => {
    void message.success(t('common.deleted', { name }));
    void navigate('/algorithms', { replace: true });
  });
  const askOffline = () =>
    modal.confirm({
      title: t('algorithms.goOffline'),
      content: t('algorithms.offlineAsk', { name }),
      okText: t('algorithms.goOffline'),
      cancelText: t('common.cancel'),
      onOk: () => change.mutateAsync({ id, online: false }).catch(() => undefined),
    });
  return (
    <>
      {mayChange && (
        <>
          <Button
            loading={change.isPending}
            onClick={() => (online ? askOffline() : change.mutate({ id, online: true }))}
          >
            {t(online ? 'algorithms.goOffline' : 'algorithms.goOnline')}
          </Button>
          <Tooltip title={online ? t('algorithms.deleteOfflineFirst') : ''}>
            <Button danger disabled={online} onClick={() => confirmDelete(name, () => remove.mutateAsync(id))}>
              {t('common.delete')}
            </Button>
          </Tooltip>
        </>
      )}
      {online && (
        <Button type="primary" onClick={() => void navigate(`/tasks/new?algorithm=${id}`)}>
          {t('algorithms.startTask')}
        </Button>
      )}
    </>
  );
}
