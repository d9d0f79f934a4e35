import { Form, Modal, Typography } from 'antd';
import { useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';

import type { ModelVersion } from '@/api/types';
import { ErrorAlert } from '@/components/errors';

import { LOAD, NAME_MAX, type NewService, useMakeService } from './api';
import { LoadField } from './LoadField';
import { ModelVersionField } from './ModelVersionField';
import { ServiceFields, showAtFields } from './ServiceFields';

interface Props {
  /** Chosen in the form when it is not given. */
  version?: ModelVersion;
  onClose: () => void;
}

/** Makes a service of a model version and starts it. */
export function NewServiceModal({ version, onClose }: Props) {
  const { t } = useTranslation();
  const suggested = useRef(version?.model_name.slice(0, NAME_MAX) ?? '');
  const [form] = Form.useForm<NewService>();
  const [error, setError] = useState<unknown>();
  const make = useMakeService();
  const create = (given: NewService) =>
    make.mutate(
      { ...given, model_version_id: version?.id ?? given.model_version_id },
      { onError: (failed) => setError(showAtFields(form, failed) ? undefined : failed) },
    );
  // A name that somebody typed stays.
  const suggest = (name: string) => {
    if (form.getFieldValue('name') === suggested.current) form.setFieldValue('name', name.slice(0, NAME_MAX));
    suggested.current = name.slice(0, NAME_MAX);
  };
  return (
    <Modal
      open
      title={t('services.createTitle')}
      okText={t('services.createAndStart')}
      cancelText={t('common.cancel')}
      confirmLoading={make.isPending}
      onOk={() => form.submit()}
      onCancel={onClose}
    >
      {version && (
        <Typography.Paragraph type="secondary" style={{ overflowWrap: 'anywhere' }}>
          {t('services.createFrom', { name: version.model_name, number: version.number })}
        </Typography.Paragraph>
      )}
      <ErrorAlert error={error} />
      <Form<NewService>
        form={form}
        layout="vertical"
        initialValues={{ name: suggested.current, description: '', load: LOAD.min }}
        onFinish={create}
      >
        {!version && (
          <Form.Item
            name="model_version_id"
            label={t('services.model')}
            rules={[{ required: true, message: t('services.chooseModel') }]}
          >
            <ModelVersionField onModel={suggest} />
          </Form.Item>
        )}
        <ServiceFields />
        <Form.Item name="load" label={t('services.instances')} extra={t('services.instancesHint', LOAD)}>
          <LoadField />
        </Form.Item>
      </Form>
    </Modal>
  );
}
