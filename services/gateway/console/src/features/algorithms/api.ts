import { useQuery, useQueryClient } from '@tanstack/react-query';

import { api, ask } from '@/api/client';
import type { Algorithm } from '@/api/types';
import { useCommand } from '@/components/actions';
import { useList } from '@/components/list';

const CHANGES = ['algorithms'];

export interface AlgorithmFilter {
  purpose: string;
  online: boolean;
}

export function useAlgorithms(filter: AlgorithmFilter) {
  return useList<Algorithm>(['algorithms', 'list', filter], async (page) => {
    const query = { ...page, ...(filter.purpose && { purpose: filter.purpose }), ...(filter.online && { online: true }) };
    const answer = await ask(api.GET('/api/v1/algorithms', { params: { query } }));
    return { items: answer.algorithms, next: answer.next_page_token, total: Number(answer.total_size) };
  });
}

export function useAlgorithm(id: string) {
  return useQuery({
    queryKey: ['algorithms', id],
    queryFn: () => ask(api.GET('/api/v1/algorithms/{id}', { params: { path: { id } } })),
  });
}

export function useSwitchAlgorithm(onDone: (algorithm: Algorithm) => void) {
  return useCommand(
    ({ id, online }: { id: string; online: boolean }) => {
      const given = { params: { path: { id } }, body: {} };
      return ask(
        online ? api.POST('/api/v1/algorithms/{id}:online', given) : api.POST('/api/v1/algorithms/{id}:offline', given),
      );
    },
    { changes: CHANGES, onDone },
  );
}

export function useDeleteAlgorithm(onDone: () => void) {
  const queries = useQueryClient();
  return useCommand((id: string) => ask(api.DELETE('/api/v1/algorithms/{id}', { params: { path: { id } } })), {
    changes: [],
    onDone: (_, id) => {
      onDone();
      queries.removeQueries({ queryKey: ['algorithms', id] });
      void queries.invalidateQueries({ queryKey: CHANGES });
    },
  });
}
