import { Skeleton, type TableProps } from 'antd';
import { type ComponentType, lazy, type RefObject, Suspense, useEffect, useRef } from 'react';

/** A quarter of a page's code: it comes while the data does. */
const AntTable = lazy(() => import('antd/es/table'));

/** Ant Design's table, loaded beside the page. */
export function Table<T extends object>(props: TableProps<T>) {
  const Loaded = AntTable as unknown as ComponentType<TableProps<T>>;
  const around = useRef<HTMLDivElement>(null);
  return (
    <div ref={around}>
      <Suspense fallback={<Skeleton active title={false} paragraph={{ rows: 4 }} />}>
        <Loaded {...props} />
        <Reachable around={around} />
      </Suspense>
    </div>
  );
}

/** Lets the keyboard scroll a table that is wider than its place: there may be nothing in it that can be focused. */
function Reachable({ around }: { around: RefObject<HTMLDivElement | null> }) {
  useEffect(() => {
    const scrolled = around.current?.querySelector<HTMLElement>('.ant-table-content');
    if (scrolled) scrolled.tabIndex = scrolled.scrollWidth > scrolled.clientWidth ? 0 : -1;
  });
  return null;
}
