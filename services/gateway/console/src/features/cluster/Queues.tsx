import { Button, Progress, type TableColumnsType, Typography } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';

import type { Queue, Resources } from '@/api/types';
import { EmptyHint } from '@/components/EmptyHint';
import { bytes, When } from '@/components/format';
import { lazily } from '@/components/lazily';
import { ListTable } from '@/components/list';
import { useAdmin } from '@/features/session/rights';

import { useQueues } from './api';
import { thousandths } from './Usage';

const QueueModal = lazily(async () => (await import('./QueueModal')).QueueModal);

/** How the projects share the nodes. */
export function Queues() {
  const { t } = useTranslation();
  const admin = useAdmin();
  const list = useQueues();
  const [edited, edit] = useState<Queue>();

  const columns: TableColumnsType<Queue> = [
    { title: t('cluster.project'), dataIndex: 'id', width: 110, ellipsis: true },
    { title: t('cluster.weight'), dataIndex: 'weight', width: 70, className: 'numbers' },
    { title: t('cluster.share'), width: 100, render: (_, queue) => <Share queue={queue} /> },
    { title: t('cluster.inUse'), width: 170, render: (_, queue) => <Amounts of={queue.used} /> },
    { title: t('cluster.quota'), width: 130, render: (_, queue) => <Amounts of={queue.quota} /> },
    { title: t('cluster.guarantee'), width: 100, render: (_, queue) => <Amounts of={queue.guarantee} /> },
    { title: t('cluster.states.STATE_RUNNING'), dataIndex: 'running', width: 75, className: 'numbers' },
    {
      title: t('cluster.states.STATE_PENDING'),
      width: 100,
      render: (_, { waiting, waiting_since }) => (
        <span className="numbers">
          {waiting}
          {waiting > 0 && (
            <>
              {' · '}
              <When at={waiting_since} />
            </>
          )}
        </span>
      ),
    },
    ...(admin
      ? [
          {
            title: t('common.actions'),
            width: 75,
            render: (_: unknown, queue: Queue) => (
              <Button type="link" size="small" onClick={() => edit(queue)}>
                {t('cluster.setShare')}
              </Button>
            ),
          },
        ]
      : []),
  ];
  return (
    <>
      <ListTable
        label={t('cluster.queues')}
        list={list}
        columns={columns}
        width={930}
        empty={<EmptyHint text={t('cluster.queuesEmpty')} />}
      />
      {edited && <QueueModal queue={edited} onClose={() => edit(undefined)} />}
    </>
  );
}

/** The weighted dominant share. */
function Share({ queue }: { queue: Queue }) {
  const { t } = useTranslation();
  const percent = Math.round(queue.share * 1000) / 10;
  return (
    <>
      <Progress
        aria-label={t('cluster.shareOf', { project: queue.id })}
        percent={Math.min(percent, 100)}
        showInfo={false}
        size="small"
        status="normal"
        style={{ marginBlockEnd: 0 }}
      />
      <div className="numbers" style={{ fontSize: 12, lineHeight: 1.4 }}>{`${percent}%`}</div>
    </>
  );
}

/** Amounts that are not 0, or a dash. */
function Amounts({ of }: { of: Resources | undefined }) {
  const { t } = useTranslation();
  const [cpu, memory, gpu, gpuMemory] = [of?.cpu_millis, of?.memory_bytes, of?.gpu_millis, of?.gpu_memory_bytes].map(Number);
  const parts = [
    cpu && `${t('cluster.cpu')} ${thousandths(cpu)}`,
    memory && bytes(memory),
    gpu && `${t('cluster.gpu')} ${thousandths(gpu)}`,
    gpuMemory && `${t('cluster.gpuMemory')} ${bytes(gpuMemory)}`,
  ].filter(Boolean);
  return parts.length ? (
    <span className="numbers">{parts.join(' · ')}</span>
  ) : (
    <Typography.Text type="secondary">–</Typography.Text>
  );
}
