import { Flex, theme } from 'antd';
import type { ReactNode } from 'react';
import { Link } from 'react-router';

interface Props {
  name: string;
  to: string;
  beside: ReactNode;
  children?: ReactNode;
}

/** One thing in a card: its name as a link, a few words beside it, and more below. */
export function Line({ name, to, beside, children }: Props) {
  const { token } = theme.useToken();
  return (
    <li style={{ listStyle: 'none', paddingBlock: 8, borderBlockEnd: `1px solid ${token.colorBorderSecondary}` }}>
      <Flex justify="space-between" align="center" gap={12}>
        <Link
          to={to}
          title={name}
          style={{ minWidth: 0, overflow: 'hidden', textOverflow: 'ellipsis', whiteSpace: 'nowrap' }}
        >
          {name}
        </Link>
        <Flex align="center" gap={8} style={{ flexShrink: 0 }}>
          {beside}
        </Flex>
      </Flex>
      {children}
    </li>
  );
}

export function Lines({ children }: { children: ReactNode }) {
  return <ul style={{ margin: 0, padding: 0 }}>{children}</ul>;
}
