import { Breadcrumb, Flex, Typography } from 'antd';
import { type ReactNode, useEffect } from 'react';
import { Link } from 'react-router';

interface Props {
  title: string;
  /** The list that this page belongs to. */
  parent?: { title: string; to: string };
  /** Beside the title: state, identifier. */
  beside?: ReactNode;
  lead?: ReactNode;
  actions?: ReactNode;
  children: ReactNode;
}

/** Title, actions and content of every page. */
export function Page({ title, parent, beside, lead, actions, children }: Props) {
  useEffect(() => {
    document.title = `${title} · modelyard`;
  }, [title]);
  return (
    <>
      {parent && (
        <Breadcrumb
          style={{ marginBlockEnd: 8 }}
          items={[{ title: <Link to={parent.to}>{parent.title}</Link> }, { title: title }]}
        />
      )}
      <Flex justify="space-between" align="flex-start" gap={16} wrap style={{ marginBlockEnd: 16 }}>
        <div style={{ minWidth: 0, flex: '1 1 320px' }}>
          <Flex align="center" gap={12} wrap>
            <Typography.Title level={1} style={{ fontSize: 22, margin: 0, overflowWrap: 'anywhere' }}>
              {title}
            </Typography.Title>
            {beside}
          </Flex>
          {lead && (
            <Typography.Paragraph type="secondary" style={{ margin: '4px 0 0' }}>
              {lead}
            </Typography.Paragraph>
          )}
        </div>
        {actions && (
          <Flex gap={8} wrap>
            {actions}
          </Flex>
        )}
      </Flex>
      {children}
    </>
  );
}
