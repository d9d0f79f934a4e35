import { Button, type TableColumnsType, Tooltip } from 'antd';
import { useTranslation } from 'react-i18next';

import type { Node } from '@/api/types';
import { EmptyHint } from '@/components/EmptyHint';
import { When } from '@/components/format';
import { type List, ListTable } from '@/components/list';
import { type Mood, StateTag } from '@/components/StateTag';
import { useAdmin } from '@/features/session/rights';

import { useDrain } from './api';
import { QUANTITIES, Usage } from './Usage';

const MOODS: Record<string, Mood> = { ready: 'good', lost: 'bad' };

export function Nodes({ list }: { list: List<Node> }) {
  const { t, i18n } = useTranslation();
  const admin = useAdmin();
  const drain = useDrain();
  const withGpu = list.items.some((node) => Number(node.capacity?.gpu_memory_bytes ?? 0) > 0);
  const known = (group: 'nodeStates' | 'engines', word: string) =>
    i18n.exists(`cluster.${group}.${word}`) ? t(`cluster.${group}.${word}` as 'cluster.engines.process') : word;

  const columns: TableColumnsType<Node> = [
    { title: t('common.name'), dataIndex: 'name', width: 120, ellipsis: true },
    { title: t('cluster.engine'), width: 155, render: (_, node) => known('engines', node.engine) },
    {
      title: t('common.state'),
      width: 115,
      render: (_, node) => (
        <>
          <StateTag mood={MOODS[node.state] ?? 'quiet'}>{known('nodeStates', node.state)}</StateTag>
          {node.drained && <StateTag mood="waiting">{t('cluster.drained')}</StateTag>}
        </>
      ),
    },
    { title: t('cluster.heartbeat'), width: 95, render: (_, node) => <When at={node.last_heartbeat_at} /> },
    ...QUANTITIES.filter((what) => what !== 'gpuMemory' || withGpu).map((what) => ({
      title: t(`cluster.${what}`),
      width: what === 'memory' || what === 'gpuMemory' ? 150 : 110,
      render: (_: unknown, node: Node) => <Usage node={node} what={what} />,
    })),
    ...(admin
      ? [
          {
            title: t('common.actions'),
            width: 70,
            render: (_: unknown, node: Node) => (
              <Tooltip title={t(node.drained ? 'cluster.resumeHint' : 'cluster.drainHint')}>
                <Button type="link" size="small" loading={drain.isPending} onClick={() => drain.mutate(node)}>
                  {t(node.drained ? 'cluster.resume' : 'cluster.drain')}
                </Button>
              </Tooltip>
            ),
          },
        ]
      : []),
  ];
  return (
    <ListTable
      label={t('cluster.nodes')}
      list={list}
      columns={columns}
      width={(withGpu ? 1005 : 855) + (admin ? 70 : 0)}
      empty={<EmptyHint text={t('cluster.nodesEmpty')} />}
    />
  );
}
