import { Form, Modal } from 'antd';
import { useTranslation } from 'react-i18next';

import { LOAD } from './api';
import { LoadField } from './LoadField';

interface Props {
  title: string;
  okText: string;
  load: number;
  busy: boolean;
  onOk: (load: number) => void;
  onClose: () => void;
}

/** Asks how many instances are wanted. */
export function LoadModal({ title, okText, load, busy, onOk, onClose }: Props) {
  const { t } = useTranslation();
  const [form] = Form.useForm<{ load: number }>();
  return (
    <Modal
      open
      title={title}
      okText={okText}
      cancelText={t('common.cancel')}
      confirmLoading={busy}
      onOk={() => form.submit()}
      onCancel={onClose}
    >
      <Form form={form} layout="vertical" initialValues={{ load }} onFinish={(given) => onOk(given.load)}>
        <Form.Item name="load" label={t('services.instances')} extra={t('services.instancesHint', LOAD)}>
          <LoadField />
        </Form.Item>
      </Form>
    </Modal>
  );
}
