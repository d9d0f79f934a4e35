import { useMutation, useQueryClient } from '@tanstack/react-query';
import { Form, Input, Modal, Result, Typography } from 'antd';
import { useTranslation } from 'react-i18next';

import { ApiError } from '@/api/errors';
import type { Task } from '@/api/types';
import { ErrorAlert } from '@/components/errors';

import { publishTask } from '../api';
import { LinkButton } from '../LinkButton';

interface Props {
  task: Task;
  onClose: () => void;
}

/** Asks for the model's name, and leads to the model afterwards. */
export function PublishModal({ task, onClose }: Props) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const [form] = Form.useForm<{ model_name: string }>();
  const publication = useMutation({
    mutationFn: (name: string) => publishTask(task.id, name),
    onSuccess: () => {
      for (const key of ['tasks', 'models']) void queries.invalidateQueries({ queryKey: [key] });
    },
    onError: (error) => {
      const fields = error instanceof ApiError ? error.fields : [];
      form.setFields(fields.map(({ description }) => ({ name: 'model_name', errors: [description] })));
    },
  });
  const version = publication.data;

  if (version) {
    return (
      <Modal
        open
        title={t('tasks.publish.title')}
        onCancel={onClose}
        cancelText={t('tasks.publish.stay')}
        footer={(_, { CancelBtn }) => (
          <>
            <CancelBtn />
            <LinkButton type="primary" to={`/models/${version.model_id}`}>
              {t('tasks.publish.toModel')}
            </LinkButton>
          </>
        )}
      >
        <Result
          status="success"
          title={t('tasks.publish.done', { name: version.model_name, version: version.number })}
          style={{ padding: '16px 0' }}
        />
      </Modal>
    );
  }
  return (
    <Modal
      open
      title={t('tasks.publish.title')}
      okText={t('tasks.publish.title')}
      cancelText={t('common.cancel')}
      confirmLoading={publication.isPending}
      onCancel={onClose}
      onOk={form.submit}
    >
      <Typography.Paragraph type="secondary">{t('tasks.publish.hint')}</Typography.Paragraph>
      <ErrorAlert error={publication.error} />
      <Form
        form={form}
        layout="vertical"
        initialValues={{ model_name: task.name }}
        onFinish={({ model_name }) => publication.mutate(model_name.trim())}
      >
        <Form.Item
          name="model_name"
          label={t('tasks.publish.name')}
          extra={t('tasks.publish.nameHint')}
          rules={[{ required: true, whitespace: true, message: t('tasks.publish.nameMissing') }]}
        >
          <Input maxLength={60} showCount autoFocus />
        </Form.Item>
      </Form>
    </Modal>
  );
}
