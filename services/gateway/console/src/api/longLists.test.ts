import { QueryClient } from '@tanstack/react-query';
import { expect, test, vi } from 'vitest';

import { isLong, renewed, renewInLongLists } from './longLists';

function list(pages: number) {
  return {
    pages: Array.from({ length: pages }, (_, at) => ({ items: [{ id: `${at}a`, name: 'old' }, { id: `${at}b`, name: 'old' }] })),
    pageParams: [],
  };
}

test('what changed in a long list is read again by itself', async () => {
  const asked: string[] = [];
  vi.stubGlobal('fetch', (path: string) => {
    asked.push(path);
    return Promise.resolve(path.endsWith('7b') ? new Response('', { status: 404 }) : Response.json({ id: '3a', name: 'new' }));
  });
  const queries = new QueryClient();
  queries.setQueryData(['datasets', 'list', ''], list(9));
  queries.setQueryData(['datasets', 'list', 'few'], list(3));
  await renewInLongLists(queries, ['datasets'], new Set(['3a', '7b', 'elsewhere']));
  expect(asked.sort()).toEqual(['/api/v1/datasets/3a', '/api/v1/datasets/7b']);
  const now = queries.getQueryData<ReturnType<typeof list>>(['datasets', 'list', '']);
  expect(now?.pages[3]?.items).toEqual([{ id: '3a', name: 'new' }, { id: '3b', name: 'old' }]);
  expect(now?.pages[7]?.items).toEqual([{ id: '7a', name: 'old' }]);
  expect(queries.getQueryData(['datasets', 'list', 'few'])).toEqual(list(3));
  const long = queries.getQueryCache().findAll({ predicate: isLong });
  expect(long.map(({ queryKey }) => queryKey)).toEqual([['datasets', 'list', '']]);
  vi.unstubAllGlobals();
});

test('pages that do not hold it stay as they are', () => {
  const before = list(3);
  const after = renewed(before, '1a', { id: '1a' });
  expect(after.pages[0]).toBe(before.pages[0]);
  expect(after.pages[2]).toBe(before.pages[2]);
});
