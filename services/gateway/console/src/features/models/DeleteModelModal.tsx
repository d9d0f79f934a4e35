import { Alert, Flex, Modal } from 'antd';
import { useTranslation } from 'react-i18next';

import type { Model } from '@/api/types';
import { ErrorAlert } from '@/components/errors';
import { useServicesOfModel } from '@/features/services/api';

import { useDeleteModel } from './api';
import { ServiceLinks } from './ServiceLinks';

interface Props {
  model: Model;
  onClose: () => void;
}

/** Asks before a model is gone, and says which services were made of it. */
export function DeleteModelModal({ model, onClose }: Props) {
  const { t } = useTranslation();
  const { data: users, error, isPending } = useServicesOfModel(model.id);
  const remove = useDeleteModel(model);
  return (
    <Modal
      open
      title={t('models.deleteTitle')}
      okText={t('common.delete')}
      okButtonProps={{ danger: true, disabled: isPending }}
      cancelText={t('common.cancel')}
      confirmLoading={remove.isPending}
      onOk={() => remove.mutate()}
      onCancel={onClose}
    >
      <Flex vertical gap={12} style={{ overflowWrap: 'anywhere' }}>
        {t('models.deleteAsk', { name: model.name, count: model.version_count })}
        <ErrorAlert error={error} />
        {users && users.length > 0 && (
          <Alert
            type="warning"
            showIcon
            title={t('models.deleteUsed', { count: users.length })}
            description={<ServiceLinks services={users} />}
          />
        )}
      </Flex>
    </Modal>
  );
}
