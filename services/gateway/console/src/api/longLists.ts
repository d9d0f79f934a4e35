import type { InfiniteData, Query, QueryClient } from '@tanstack/react-query';

const FEW_PAGES = 5;

interface Item {
  id: string;
}

type Pages = InfiniteData<{ items: Item[] }>;

/** Reading a list of many pages again for every event would keep the server busy. */
export function isLong(query: Query): boolean {
  const pages = (query.state.data as Partial<Pages> | undefined)?.pages;
  return Array.isArray(pages) && pages.length > FEW_PAGES;
}

/** First the name of a resource in the API, as `datasets`. */
type Key = [string, ...string[]];

/** Has everything below `queryKey` read again, of long lists only the items `ids`. */
export function refresh(queries: QueryClient, queryKey: Key, ids: ReadonlySet<string>): void {
  void queries.invalidateQueries({ queryKey, predicate: (query) => !isLong(query) });
  void renewInLongLists(queries, queryKey, ids);
}

/** Reads those of `ids` again that stand in a long list below `queryKey`, one by one. */
export async function renewInLongLists(queries: QueryClient, queryKey: Key, ids: ReadonlySet<string>): Promise<void> {
  const filter = { queryKey, predicate: isLong };
  const lists = queries.getQueriesData<Pages>(filter).flatMap(([, data]) => (data ? [data] : []));
  const shown = [...ids].filter((id) => lists.some((list) => holds(list, id)));
  for (const id of shown) {
    const item = await read(queryKey[0], id).catch(() => undefined);
    if (item === undefined) continue; // the next event about it tries again
    queries.setQueriesData<Pages>(filter, (list) => list && renewed(list, id, item));
  }
}

async function read(resource: string, id: string): Promise<Item | null> {
  const answer = await fetch(`/api/v1/${resource}/${encodeURIComponent(id)}`);
  if (answer.status === 404) return null;
  if (!answer.ok) throw new Error(answer.statusText);
  return (await answer.json()) as Item;
}

function holds({ pages }: Pages, id: string): boolean {
  return pages.some(({ items }) => items.some((item) => item.id === id));
}

/** The list with the item as it is now, or without it. Pages that do not hold it stay the same objects. */
export function renewed(list: Pages, id: string, item: Item | null): Pages {
  const pages = list.pages.map((page) => {
    if (!page.items.some((one) => one.id === id)) return page;
    return { ...page, items: page.items.flatMap((one) => (one.id !== id ? [one] : item ? [item] : [])) };
  });
  return { ...list, pages };
}
