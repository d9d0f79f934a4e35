import { Card, Flex, Skeleton, theme, Typography } from 'antd';
import type { ReactNode } from 'react';
import { Link } from 'react-router';

import { count } from '@/components/format';

export interface Part {
  text: string;
  value: number | undefined;
  to: string;
  bad?: boolean;
}

interface Props {
  title: string;
  icon: ReactNode;
  total: number | undefined;
  to: string;
  parts: Part[];
  children?: ReactNode;
}

/** How many there are, and how many of them are in the states that matter; each leads to its list. */
export function CountCard({ title, icon, total, to, parts, children }: Props) {
  const { token } = theme.useToken();
  return (
    <Card styles={{ body: { padding: 16 } }} style={{ height: '100%' }}>
      <Link to={to} style={{ color: token.colorText, display: 'block' }}>
        <Flex align="center" gap={8} style={{ color: token.colorTextSecondary }}>
          {icon}
          <Typography.Text type="secondary">{title}</Typography.Text>
        </Flex>
        <div className="numbers" style={{ fontSize: 30, fontWeight: 600, lineHeight: 1.4, minHeight: 42 }}>
          {total === undefined ? <Skeleton.Node active style={{ width: 48, height: 30 }} /> : count(total)}
        </div>
      </Link>
      <Flex gap="4px 14px" wrap style={{ minHeight: 22 }}>
        {parts.map((part) => (
          <Link
            key={part.text}
            to={part.to}
            className="numbers"
            style={{ color: part.bad && part.value ? token.colorErrorText : token.colorTextSecondary }}
          >
            {`${part.text} ${part.value === undefined ? '…' : count(part.value)}`}
          </Link>
        ))}
        {children}
      </Flex>
    </Card>
  );
}
