import { useInfiniteQuery, useQuery, useQueryClient } from '@tanstack/react-query';

import { api, ask } from '@/api/client';
import type { components } from '@/api/schema';
import { useStream } from '@/api/stream';
import type { Dataset, DatasetState } from '@/api/types';
import { useCommand } from '@/components/actions';
import { useList } from '@/components/list';

const CHANGES = ['datasets'];
const SAMPLES = 200;
const PROGRESS_MS = 1500;

export interface DatasetFilter {
  state: string;
  online: boolean;
  purpose: string;
}

export function useDatasets({ state, online, purpose }: DatasetFilter) {
  return useList<Dataset>(['datasets', 'list', { state, online, purpose }], async (page) => {
    const query = {
      ...page,
      ...(state && { state: state as DatasetState }),
      ...(online && { online }),
      ...(purpose && { purpose }),
    };
    const answer = await ask(api.GET('/api/v1/datasets', { params: { query } }));
    return { items: answer.datasets, next: answer.next_page_token, total: Number(answer.total_size) };
  });
}

function oneKey(id: string) {
  return ['datasets', id];
}

function readOne(id: string): Promise<Dataset> {
  return ask(api.GET('/api/v1/datasets/{id}', { params: { path: { id } } }));
}

/** One data set; as long as it imports, every step of the import. */
export function useDataset(id: string) {
  const queries = useQueryClient();
  const query = useQuery({ queryKey: oneKey(id), queryFn: () => readOne(id) });
  useStream<Dataset>({
    url: query.data?.state === 'STATE_IMPORTING' ? `/api/v1/datasets/${id}:watch` : null,
    onMessage: (dataset) => queries.setQueryData(oneKey(id), dataset),
  });
  return query;
}

/** How far an import is, asked now and then: a list may hold more of them than there are streams to open. */
export function useImportProgress(dataset: Dataset) {
  const query = useQuery({
    queryKey: [...oneKey(dataset.id), 'progress'],
    queryFn: () => readOne(dataset.id),
    initialData: dataset,
    refetchInterval: ({ state }) => (state.data?.state === 'STATE_IMPORTING' ? PROGRESS_MS : false),
  });
  return query.data.import_progress;
}

/** Versions never change, so what was read of one stays good. */
export function useSamples(dataset: Dataset, className: string) {
  return useInfiniteQuery({
    queryKey: ['samples', dataset.id, dataset.version?.number ?? 0, className],
    queryFn: async ({ pageParam }) => {
      const query = {
        page_size: SAMPLES,
        ...(pageParam && { page_token: pageParam }),
        ...(className && { class_name: className }),
      };
      return ask(api.GET('/api/v1/datasets/{id}/samples', { params: { path: { id: dataset.id }, query } }));
    },
    initialPageParam: '',
    getNextPageParam: (last) => last.next_page_token || undefined,
    staleTime: Infinity,
  });
}

/** Where the bytes of a sample are. */
export function contentUrl(datasetId: string, path: string): string {
  return `/api/v1/datasets/${encodeURIComponent(datasetId)}/content?path=${encodeURIComponent(path)}`;
}

export type NewDataset = components['schemas']['dataset.v1.Dataset'];

export function createDataset(body: NewDataset): Promise<Dataset> {
  return ask(api.POST('/api/v1/datasets', { body }));
}

export type DatasetChange = Pick<Dataset, 'name' | 'description' | 'visibility'>;

export function updateDataset(id: string, etag: string, change: DatasetChange): Promise<Dataset> {
  return ask(
    api.PATCH('/api/v1/datasets/{id}', {
      params: { path: { id }, query: { update_mask: Object.keys(change).join(',') } },
      body: { ...change, etag },
    }),
  );
}

export function useSwitchDataset(onDone: (dataset: Dataset) => void) {
  return useCommand(
    ({ id, online }: { id: string; online: boolean }) => {
      const given = { params: { path: { id } }, body: {} };
      return ask(
        online ? api.POST('/api/v1/datasets/{id}:online', given) : api.POST('/api/v1/datasets/{id}:offline', given),
      );
    },
    { changes: CHANGES, onDone },
  );
}

export function useDeleteDataset(onDone: () => void) {
  const queries = useQueryClient();
  return useCommand((id: string) => ask(api.DELETE('/api/v1/datasets/{id}', { params: { path: { id } } })), {
    changes: [],
    onDone: (_, id) => {
      onDone();
      queries.removeQueries({ queryKey: oneKey(id) });
      void queries.invalidateQueries({ queryKey: CHANGES });
    },
  });
}
