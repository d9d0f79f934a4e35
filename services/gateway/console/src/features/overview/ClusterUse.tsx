import { Flex, theme, Typography } from 'antd';
import { useTranslation } from 'react-i18next';

import { EmptyHint } from '@/components/EmptyHint';
import { useNodes } from '@/features/cluster/api';
import { QUANTITIES, Usage } from '@/features/cluster/Usage';

import { Section } from './Section';

const FIELDS = { cpu: 'cpu_millis', memory: 'memory_bytes', gpu: 'gpu_millis', gpuMemory: 'gpu_memory_bytes' } as const;
const SHOWN = 6;

/** The nodes and what of them is in use. */
export function ClusterUse() {
  const { t } = useTranslation();
  const { token } = theme.useToken();
  const nodes = useNodes();
  return (
    <Section title={t('overview.nodes')} to="/cluster" pending={nodes.isPending} error={nodes.error}>
      {nodes.isSuccess && nodes.items.length === 0 && <EmptyHint text={t('overview.nodesEmpty')} />}
      {nodes.items.slice(0, SHOWN).map((node) => (
        <div key={node.id} style={{ paddingBlock: 8, borderBlockEnd: `1px solid ${token.colorBorderSecondary}` }}>
          <Typography.Text ellipsis>{node.name}</Typography.Text>
          <Flex gap="8px 16px" wrap>
            {QUANTITIES.filter((what) => Number(node.capacity?.[FIELDS[what]] ?? 0) > 0).map((what) => (
              <div key={what} style={{ flex: '1 1 140px' }}>
                <Usage node={node} what={what} labelled />
              </div>
            ))}
          </Flex>
        </div>
      ))}
    </Section>
  );
}
