import { Empty, Flex } from 'antd';
import type { ReactNode } from 'react';

interface Props {
  text: string;
  /** What to do next. */
  children?: ReactNode;
}

/** An empty list that says what to do next. */
export function EmptyHint({ text, children }: Props) {
  return (
    <Empty image={Empty.PRESENTED_IMAGE_SIMPLE} description={text} style={{ paddingBlock: 24 }}>
      {children && (
        <Flex gap={8} justify="center" wrap>
          {children}
        </Flex>
      )}
    </Empty>
  );
}
