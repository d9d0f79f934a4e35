import { useQueryClient } from '@tanstack/react-query';
import { useEffect } from 'react';

import { api, ask } from '@/api/client';
import type { Node, Queue, Workload } from '@/api/types';
import { useCommand } from '@/components/actions';
import { useList } from '@/components/list';

/** Heartbeats are no events, so nodes are read again after this time. */
const REFRESH_MS = 10_000;
const AT_ONCE = 1000;

export type WorkloadState = Workload['state'];

export const NOW = ['STATE_PENDING', 'STATE_PLACED', 'STATE_RUNNING', 'STATE_STOPPING'] as const;

export function useNodes() {
  const queries = useQueryClient();
  useEffect(() => {
    const timer = window.setInterval(() => {
      if (!document.hidden) void queries.invalidateQueries({ queryKey: ['nodes'] });
    }, REFRESH_MS);
    return () => window.clearInterval(timer);
  }, [queries]);
  return useList(['nodes', 'list'], async (page) => {
    const answer = await ask(api.GET('/api/v1/nodes', { params: { query: page } }));
    return { items: answer.nodes, next: answer.next_page_token, total: Number(answer.total_size) };
  });
}

export function useQueues() {
  return useList<Queue>(['queues', 'list'], async (page) => {
    const answer = await ask(api.GET('/api/v1/queues', { params: { query: page } }));
    return { items: answer.queues, next: answer.next_page_token, total: Number(answer.total_size) };
  });
}

/** Give nothing new to a node, or let it take workloads again. */
export function useDrain() {
  return useCommand(
    ({ id, drained }: Node) => {
      const params = { params: { path: { id } } };
      return ask(drained ? api.POST('/api/v1/nodes/{id}:resume', params) : api.POST('/api/v1/nodes/{id}:drain', params));
    },
    { changes: ['nodes'] },
  );
}

/** Workloads of one state, of all, or (`now`) those that have not ended. */
export function useWorkloads(state: string) {
  return useList<Workload>(['workloads', 'list', state], async (page) => {
    if (state === 'now') {
      const answers = await Promise.all(NOW.map((one) => read({ page_size: AT_ONCE, state: one })));
      const items = answers.flatMap((answer) => answer.workloads);
      return { items, next: '', total: answers.reduce((sum, answer) => sum + Number(answer.total_size), 0) };
    }
    const answer = await read(state === 'all' ? page : { ...page, state: state as WorkloadState });
    return { items: answer.workloads, next: answer.next_page_token, total: Number(answer.total_size) };
  });
}

function read(query: { page_size: number; page_token?: string; state?: WorkloadState }) {
  return ask(api.GET('/api/v1/workloads', { params: { query } }));
}
