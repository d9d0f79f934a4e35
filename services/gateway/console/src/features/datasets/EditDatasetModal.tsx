import { useMutation, useQueryClient } from '@tanstack/react-query';
import { App, Form, Input, Modal } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';

import type { Dataset } from '@/api/types';
import { ErrorAlert } from '@/components/errors';

import { type DatasetChange, updateDataset } from './api';
import { showFieldErrors } from './formErrors';
import { NameItem } from './NameItem';
import { VisibilityItem } from './VisibilityItem';

const FIELDS = ['name', 'description', 'visibility'];

interface Props {
  dataset: Dataset;
  onClose: () => void;
}

/** Mounted while it is open, so that it starts from the data set as it is then. */
export function EditDatasetModal({ dataset, onClose }: Props) {
  const { t } = useTranslation();
  const { message } = App.useApp();
  const [form] = Form.useForm<DatasetChange>();
  const queries = useQueryClient();
  const [{ id, etag, name, description, visibility }] = useState(dataset);
  const save = useMutation({
    mutationFn: (change: DatasetChange) => updateDataset(id, etag, change),
    onSuccess: (changed) => {
      queries.setQueryData(['datasets', id], changed);
      void queries.invalidateQueries({ queryKey: ['datasets'] });
      void message.success(t('datasets.form.saved'));
      onClose();
    },
    onError: (error) => showFieldErrors(form, error, FIELDS),
  });
  return (
    <Modal
      open
      title={t('datasets.form.editTitle')}
      onCancel={onClose}
      onOk={() => form.submit()}
      okText={t('common.save')}
      cancelText={t('common.cancel')}
      confirmLoading={save.isPending}
    >
      <ErrorAlert error={save.error} />
      <Form<DatasetChange>
        form={form}
        layout="vertical"
        initialValues={{ name, description, visibility }}
        onFinish={(given) => save.mutate(given)}
      >
        <NameItem />
        <Form.Item name="description" label={t('common.description')}>
          <Input.TextArea rows={4} maxLength={2000} showCount />
        </Form.Item>
        <VisibilityItem />
      </Form>
    </Modal>
  );
}
