import { useInfiniteQuery, type QueryKey } from '@tanstack/react-query';
import { Card, Flex, type TableColumnsType, Typography } from 'antd';
import { type ReactNode, useDeferredValue, useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import { useSearchParams } from 'react-router';

import { ErrorAlert } from './errors';
import { Later } from './Later';
import { Table } from './Table';

const PAGE_SIZE = 100;
const DRAWN_WHOLE = 30;
const NOTHING: never[] = [];
const ROW_HEIGHT = 47;
const CLOSE_TO_END = 20;
const SHOWN_HEIGHT = 'calc(100vh - 260px)';

interface Slice<T> {
  items: T[];
  next: string;
  total: number;
}

/** Reads one page of a list. */
export type ReadPage<T> = (page: { page_size: number; page_token: string }) => Promise<Slice<T>>;

/** All pages of a list that were read so far, and the way to the next one. */
export function useList<T>(key: QueryKey, read: ReadPage<T>) {
  const query = useInfiniteQuery({
    queryKey: key,
    queryFn: ({ pageParam }) => read({ page_size: PAGE_SIZE, page_token: pageParam }),
    initialPageParam: '',
    getNextPageParam: (last) => last.next || undefined,
  });
  const items = useMemo(() => query.data?.pages.flatMap((page) => page.items) ?? [], [query.data]);
  return { ...query, items, total: query.data?.pages[0]?.total ?? 0 };
}

export type List<T> = ReturnType<typeof useList<T>>;

interface Props<T> {
  label: string;
  list: List<T>;
  columns: TableColumnsType<T>;
  /** Shown when there is nothing; says what to do next. */
  empty: ReactNode;
  filters?: ReactNode;
  onOpen?: (item: T) => void;
  /** Total of the columns' widths, in pixels; narrower windows scroll sideways. */
  width?: number;
}

/** A list of any length: rows are drawn when they are in sight, and read from the server as one scrolls to them. */
export function ListTable<T extends { id: string }>({ label, list, columns, empty, filters, onOpen, width }: Props<T>) {
  const { t } = useTranslation();
  // Drawn in small steps, between which the browser is at hand.
  const items = useDeferredValue(list.items, NOTHING);
  const virtual = items.length > DRAWN_WHOLE;
  const readMore = (target: HTMLElement) => {
    const left = target.scrollHeight - target.scrollTop - target.clientHeight;
    if (left < CLOSE_TO_END * ROW_HEIGHT && list.hasNextPage && !list.isFetchingNextPage) void list.fetchNextPage();
  };
  return (
    <Card styles={{ body: { padding: 12 } }}>
      <ErrorAlert error={list.error} onRetry={() => void list.refetch()} />
      <Flex justify="space-between" align="center" gap={12} wrap style={{ marginBlockEnd: 12, minHeight: 32 }}>
        <Flex gap={8} wrap>
          {filters}
        </Flex>
        <Typography.Text type="secondary" className="numbers" role="status">
          {list.isPending ? '' : t('common.total', { count: list.total })}
        </Typography.Text>
      </Flex>
      <Later>
        <Table<T>
          aria-label={label}
          rowKey="id"
          size="middle"
          columns={columns}
          dataSource={items}
          loading={list.isPending || list.isFetchingNextPage}
          pagination={false}
          virtual={virtual}
          scroll={{ x: width ?? 900, ...(virtual || list.hasNextPage ? { y: SHOWN_HEIGHT as unknown as number } : {}) }}
          onScroll={(event) => readMore(event.currentTarget)}
          locale={{ emptyText: list.isPending || list.error || list.items.length ? ' ' : empty }}
          onRow={(item) => ({
            onClick: () => onOpen?.(item),
            style: onOpen ? { cursor: 'pointer' } : {},
          })}
        />
      </Later>
    </Card>
  );
}

/** A filter that stands in the address, so that links to a filtered list can be shared and the way back works. */
export function useFilter(name: string): [string, (value: string | undefined) => void] {
  const [params, setParams] = useSearchParams();
  return [
    params.get(name) ?? '',
    (value) => {
      setParams((before) => {
        const after = new URLSearchParams(before);
        if (value) after.set(name, value);
        else after.delete(name);
        return after;
      });
    },
  ];
}

/** Takes all filters out of the address. */
export function useClearFilters(): () => void {
  const [, setParams] = useSearchParams();
  return () => setParams({});
}
