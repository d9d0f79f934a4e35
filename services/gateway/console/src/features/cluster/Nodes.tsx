import type { TableColumnsType } from 'antd';
import { useTranslation } from 'react-i18next';

import type { Node } from '@/api/types';
import { EmptyHint } from '@/components/EmptyHint';
import { When } from '@/components/format';
import { type List, ListTable } from '@/components/list';
import { type Mood, StateTag } from '@/components/StateTag';

import { QUANTITIES, Usage } from './Usage';

const MOODS: Record<string, Mood> = { ready: 'good', lost: 'bad', drained: 'quiet' };

export function Nodes({ list }: { list: List<Node> }) {
  const { t, i18n } = useTranslation();
  const withGpu = list.items.some((node) => Number(node.capacity?.gpu_memory_bytes ?? 0) > 0);
  const known = (group: 'nodeStates' | 'engines', word: string) =>
    i18n.exists(`cluster.${group}.${word}`) ? t(`cluster.${group}.${word}` as 'cluster.engines.process') : word;

  const columns: TableColumnsType<Node> = [
    { title: t('common.name'), dataIndex: 'name', width: 140, ellipsis: true },
    { title: t('cluster.engine'), width: 180, render: (_, node) => known('engines', node.engine) },
    {
      title: t('common.state'),
      width: 100,
      render: (_, node) => <StateTag mood={MOODS[node.state] ?? 'quiet'}>{known('nodeStates', node.state)}</StateTag>,
    },
    { title: t('cluster.heartbeat'), width: 110, render: (_, node) => <When at={node.last_heartbeat_at} /> },
    ...QUANTITIES.filter((what) => what !== 'gpuMemory' || withGpu).map((what) => ({
      title: t(`cluster.${what}`),
      width: what === 'memory' || what === 'gpuMemory' ? 170 : 130,
      render: (_: unknown, node: Node) => <Usage node={node} what={what} />,
    })),
  ];
  return (
    <ListTable
      label={t('cluster.nodes')}
      list={list}
      columns={columns}
      width={withGpu ? 1130 : 960}
      empty={<EmptyHint text={t('cluster.nodesEmpty')} />}
    />
  );
}
