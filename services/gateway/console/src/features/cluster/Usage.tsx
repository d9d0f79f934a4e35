import { Progress, Tooltip, Typography } from 'antd';
import { useTranslation } from 'react-i18next';

import type { Node } from '@/api/types';
import { bytes } from '@/components/format';

const FULL = 0.9;

export const QUANTITIES = ['cpu', 'memory', 'gpu', 'gpuMemory'] as const;
export type Quantity = (typeof QUANTITIES)[number];

const FIELDS = {
  cpu: 'cpu_millis',
  memory: 'memory_bytes',
  gpu: 'gpu_millis',
  gpuMemory: 'gpu_memory_bytes',
} as const;

/** Thousandths as a number with at most two digits after the point. */
export function thousandths(value: number): string {
  return String(Math.round(value / 10) / 100);
}

/** How much of one quantity of a node is given away. */
export function Usage({ node, what, labelled = false }: { node: Node; what: Quantity; labelled?: boolean }) {
  const { t } = useTranslation();
  const total = Number(node.capacity?.[FIELDS[what]] ?? 0);
  const used = Number(node.allocated?.[FIELDS[what]] ?? 0);
  const label = t('cluster.usage', { node: node.name, what: t(`cluster.${what}`) });
  if (total === 0) return <Typography.Text type="secondary">{t('cluster.noneOf')}</Typography.Text>;

  const text = {
    cpu: () => t('cluster.cores', { used: thousandths(used), total: thousandths(total) }),
    gpu: () => t('cluster.cards', { used: thousandths(used), total: thousandths(total) }),
    memory: () => t('cluster.ofTotal', { used: bytes(used), total: bytes(total) }),
    gpuMemory: () => t('cluster.ofTotal', { used: bytes(used), total: bytes(total) }),
  }[what]();
  return (
    <Tooltip title={label}>
      <div style={{ minWidth: 90 }}>
        <Progress
          aria-label={label}
          percent={Math.round((used / total) * 100)}
          showInfo={false}
          size="small"
          status={used / total >= FULL ? 'exception' : 'normal'}
          style={{ marginBlockEnd: 0 }}
        />
        <div className="numbers" style={{ fontSize: 12, lineHeight: 1.4 }}>
          {labelled && `${t(`cluster.${what}`)} `}
          {text}
        </div>
      </div>
    </Tooltip>
  );
}
