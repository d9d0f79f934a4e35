import { Form, InputNumber, Modal } from 'antd';
import { useTranslation } from 'react-i18next';

import { api, ask } from '@/api/client';
import type { Queue } from '@/api/types';
import { useCommand } from '@/components/actions';

const GIB = 1024 ** 3;

interface Given {
  weight: number;
  cores: number | null;
  memory: number | null;
  gpus: number | null;
}

/** Asks for the weight of a project and for what it may use at most. */
export function QueueModal({ queue, onClose }: { queue: Queue; onClose: () => void }) {
  const { t } = useTranslation();
  const [form] = Form.useForm<Given>();
  const set = useCommand(
    ({ weight, cores, memory, gpus }: Given) => {
      const quota = {
        ...queue.quota,
        cpu_millis: String(Math.round((cores ?? 0) * 1000)),
        memory_bytes: String(Math.round((memory ?? 0) * GIB)),
        gpu_millis: String(Math.round((gpus ?? 0) * 1000)),
      };
      return ask(api.PATCH('/api/v1/queues/{id}', { params: { path: { id: queue.id } }, body: { weight, quota } }));
    },
    { changes: ['queues'], onDone: onClose },
  );
  const amount = (text: string | undefined, unit: number) => Number(text ?? 0) / unit || null;
  return (
    <Modal
      open
      title={t('cluster.shareOf', { project: queue.id })}
      okText={t('common.save')}
      cancelText={t('common.cancel')}
      confirmLoading={set.isPending}
      onOk={() => form.submit()}
      onCancel={onClose}
    >
      <Form
        form={form}
        layout="vertical"
        initialValues={{
          weight: queue.weight,
          cores: amount(queue.quota?.cpu_millis, 1000),
          memory: amount(queue.quota?.memory_bytes, GIB),
          gpus: amount(queue.quota?.gpu_millis, 1000),
        }}
        onFinish={(given) => set.mutate(given)}
      >
        <Form.Item name="weight" label={t('cluster.weight')} extra={t('cluster.weightHint')} rules={[{ required: true }]}>
          <InputNumber min={0.001} max={1000} style={{ width: '100%' }} />
        </Form.Item>
        <Form.Item name="cores" label={t('cluster.quotaOf', { what: t('cluster.cpu') })} extra={t('cluster.quotaHint')}>
          <InputNumber min={0} max={1000} style={{ width: '100%' }} />
        </Form.Item>
        <Form.Item name="memory" label={t('cluster.quotaOf', { what: t('cluster.memoryGib') })}>
          <InputNumber min={0} max={16384} style={{ width: '100%' }} />
        </Form.Item>
        <Form.Item name="gpus" label={t('cluster.quotaOf', { what: t('cluster.gpu') })}>
          <InputNumber min={0} max={1000} style={{ width: '100%' }} />
        </Form.Item>
      </Form>
    </Modal>
  );
}
