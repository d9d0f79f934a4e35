import { Segmented, type TableColumnsType, Typography } from 'antd';
import { useTranslation } from 'react-i18next';

import type { Node, Workload } from '@/api/types';
import { EmptyHint } from '@/components/EmptyHint';
import { bytes, When } from '@/components/format';
import { ListTable, useFilter } from '@/components/list';
import { type Mood, StateTag } from '@/components/StateTag';
import { waitingText } from '@/components/waiting';
import { pageOf, SubjectLink } from '@/features/events/subject';

import { NOW, useWorkloads } from './api';
import { thousandths } from './Usage';

const CHOICES = ['now', ...NOW, 'STATE_EXITED', 'all'] as const;
type Choice = (typeof CHOICES)[number];

const MOODS: Record<Workload['state'], Mood> = {
  STATE_UNSPECIFIED: 'quiet',
  STATE_PENDING: 'waiting',
  STATE_PLACED: 'busy',
  STATE_RUNNING: 'good',
  STATE_STOPPING: 'busy',
  STATE_EXITED: 'quiet',
};

/** When a workload came into the state that it is in. */
export function since(workload: Workload): string | undefined {
  switch (workload.state) {
    case 'STATE_PENDING':
      return workload.created_at;
    case 'STATE_PLACED':
      return workload.placed_at;
    case 'STATE_RUNNING':
      return workload.started_at;
    case 'STATE_EXITED':
      return workload.ended_at;
    default:
      return workload.updated_at;
  }
}

export function Workloads({ nodes }: { nodes: Node[] }) {
  const { t } = useTranslation();
  const [chosen, choose] = useFilter('state');
  const state: Choice = CHOICES.find((one) => one === chosen) ?? 'now';
  const list = useWorkloads(state);

  const columns: TableColumnsType<Workload> = [
    { title: t('common.name'), width: 180, ellipsis: true, render: (_, workload) => workload.spec?.name },
    {
      title: t('cluster.kind'),
      width: 80,
      render: (_, workload) => t(`cluster.kinds.${workload.spec?.kind ?? 'WORKLOAD_KIND_UNSPECIFIED'}`),
    },
    {
      title: t('common.state'),
      width: 110,
      render: (_, workload) => <StateTag mood={MOODS[workload.state]}>{t(`cluster.states.${workload.state}`)}</StateTag>,
    },
    {
      title: t('cluster.subject'),
      width: 90,
      render: (_, workload) => {
        const subject = workload.spec?.subject ?? '';
        const page = pageOf(subject);
        const words = page.startsWith('/services') ? t('cluster.service') : t('cluster.task');
        return page ? <SubjectLink subject={subject} name={words} /> : subject;
      },
    },
    {
      title: t('cluster.node'),
      width: 120,
      ellipsis: true,
      render: (_, { lease }) => nodes.find((node) => node.id === lease?.node_id)?.name ?? lease?.node_id ?? '–',
    },
    { title: t('cluster.since'), width: 110, render: (_, workload) => <When at={since(workload)} /> },
    { title: t('cluster.resources'), width: 170, render: (_, workload) => <Asked workload={workload} /> },
    {
      title: t('cluster.note'),
      render: (_, { waiting_reason, exit }) => (
        <Typography.Text style={{ overflowWrap: 'anywhere' }}>
          {waitingText(t, waiting_reason) || (exit ? t(`cluster.exits.${exit.reason}`) : '')}
          {exit && exit.reason !== 'REASON_COMPLETED' && exit.message && ` · ${exit.message}`}
        </Typography.Text>
      ),
    },
  ];
  return (
    <ListTable
      label={t('cluster.workloads')}
      list={list}
      columns={columns}
      width={980}
      empty={<EmptyHint text={state === 'now' ? t('cluster.workloadsEmpty') : t('cluster.noneInState')} />}
      filters={
        <Segmented<Choice>
          aria-label={t('common.state')}
          value={state}
          onChange={(next) => choose(next === 'now' ? undefined : next)}
          options={CHOICES.map((value) => ({ value, label: t(`cluster.states.${value}`) }))}
        />
      }
    />
  );
}

/** What each of its workers asked for. */
function Asked({ workload }: { workload: Workload }) {
  const { t } = useTranslation();
  const { resources, workers = 1 } = workload.spec ?? {};
  const gpu = Number(resources?.gpu_millis ?? 0);
  const parts = [
    `${t('cluster.cpu')} ${thousandths(Number(resources?.cpu_millis ?? 0))}`,
    bytes(resources?.memory_bytes),
    ...(gpu ? [`${t('cluster.gpu')} ${thousandths(gpu)}`] : []),
  ];
  return (
    <span className="numbers">
      {workers > 1 && `${t('cluster.workers', { count: workers })} `}
      {parts.join(' · ')}
    </span>
  );
}
