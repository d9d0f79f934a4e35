import { useMutation, useQueryClient } from '@tanstack/react-query';
import { Divider, Form, Input, Modal } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';

import { ApiError } from '@/api/errors';
import type { Task } from '@/api/types';
import { ErrorAlert } from '@/components/errors';

import { updateTask, useAlgorithm } from '../api';
import { AskedFields } from '../wizard/AskedFields';
import { askedOf, type Parameters, parametersHold, parseObject, resourcesOf, timeLimitOf } from '../wizard/draft';
import { ParametersEditor } from '../wizard/ParametersEditor';

const PARAMETER = 'task.parameters.';

interface Props {
  task: Task;
  onClose: () => void;
}

/** Name, note, parameters and resources of a task that does not run. */
export function EditModal({ task, onClose }: Props) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const algorithm = useAlgorithm(task.algorithm_id).data;
  const [name, setName] = useState(task.name);
  const [note, setNote] = useState(task.note);
  const [asked, setAsked] = useState(() => askedOf(task));
  const [parameters, setParameters] = useState<Parameters>(() => ({ values: parseObject(task.parameters) ?? {} }));
  const change = useMutation({
    mutationFn: () =>
      updateTask(task.id, task.etag, {
        name: name.trim(),
        note: note.trim(),
        parameters: JSON.stringify(parameters.values),
        resources: resourcesOf(asked),
        time_limit_s: timeLimitOf(asked),
      }),
    onSuccess: () => {
      void queries.invalidateQueries({ queryKey: ['tasks'] });
      onClose();
    },
  });
  const fields = change.error instanceof ApiError ? change.error.fields : [];
  const nameError = name.trim()
    ? fields.find(({ field }) => field === 'task.name')?.description
    : t('tasks.wizard.nameMissing');
  const errors = Object.fromEntries(
    fields.filter(({ field }) => field.startsWith(PARAMETER)).map((f) => [f.field.slice(PARAMETER.length), f.description]),
  );
  return (
    <Modal
      open
      width={760}
      title={t('tasks.page.edit')}
      okText={t('common.save')}
      cancelText={t('common.cancel')}
      okButtonProps={{ disabled: !name.trim() || !parametersHold(algorithm, parameters) }}
      confirmLoading={change.isPending}
      onCancel={onClose}
      onOk={() => change.mutate()}
    >
      <ErrorAlert error={change.error} />
      <Form component={false} layout="vertical">
        <Form.Item
          label={t('tasks.wizard.name')}
          htmlFor="edit-name"
          required
          validateStatus={nameError ? 'error' : ''}
          help={nameError}
        >
          <Input id="edit-name" maxLength={60} showCount value={name} onChange={(event) => setName(event.target.value)} />
        </Form.Item>
        <Form.Item label={t('tasks.wizard.note')} htmlFor="edit-note">
          <Input.TextArea
            id="edit-note"
            maxLength={2000}
            rows={3}
            value={note}
            onChange={(event) => setNote(event.target.value)}
          />
        </Form.Item>
        <AskedFields value={asked} onChange={setAsked} algorithm={algorithm} />
        {algorithm && (
          <>
            <Divider style={{ marginBlockStart: 8 }} />
            <ParametersEditor algorithm={algorithm} value={parameters} onChange={setParameters} errors={errors} />
          </>
        )}
      </Form>
    </Modal>
  );
}
