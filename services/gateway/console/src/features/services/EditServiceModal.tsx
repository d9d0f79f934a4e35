import { App, Form, Modal } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';

import type { Service } from '@/api/types';
import { ErrorAlert } from '@/components/errors';

import { type Editable, useUpdateService } from './api';
import { ServiceFields, showAtFields } from './ServiceFields';

interface Props {
  service: Service;
  onClose: () => void;
}

export function EditServiceModal({ service, onClose }: Props) {
  const { t } = useTranslation();
  const { message } = App.useApp();
  const [form] = Form.useForm<Editable>();
  const [error, setError] = useState<unknown>();
  const update = useUpdateService(service.id);
  const save = (given: Editable) =>
    update.mutate(given, {
      onSuccess: () => {
        void message.success(t('services.saved'));
        onClose();
      },
      onError: (failed) => setError(showAtFields(form, failed) ? undefined : failed),
    });
  return (
    <Modal
      open
      title={t('services.editTitle')}
      okText={t('common.save')}
      cancelText={t('common.cancel')}
      confirmLoading={update.isPending}
      onOk={() => form.submit()}
      onCancel={onClose}
    >
      <ErrorAlert error={error} />
      <Form<Editable>
        form={form}
        layout="vertical"
        initialValues={{ name: service.name, description: service.description }}
        onFinish={save}
      >
        <ServiceFields />
      </Form>
    </Modal>
  );
}
