import { Skeleton, type TableProps } from 'antd';
import { type ComponentType, lazy, Suspense } from 'react';

/** A quarter of a page's code: it comes while the data does. */
const AntTable = lazy(() => import('antd/es/table'));

/** Ant Design's table, loaded beside the page. */
export function Table<T extends object>(props: TableProps<T>) {
  const Loaded = AntTable as unknown as ComponentType<TableProps<T>>;
  return (
    <Suspense fallback={<Skeleton active title={false} paragraph={{ rows: 4 }} />}>
      <Loaded {...props} />
    </Suspense>
  );
}
