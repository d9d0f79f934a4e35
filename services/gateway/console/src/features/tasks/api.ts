import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useEffect } from 'react';

import { api, ask } from '@/api/client';
import { refresh } from '@/api/longLists';
import { useStream } from '@/api/stream';
import type { Algorithm, Dataset, Task, TaskState } from '@/api/types';
import { useCommand } from '@/components/actions';
import { useList } from '@/components/list';

/** More than anybody chooses from; the server gives no more at once. */
const ALL = 1000;

export const ACTIVE: ReadonlySet<TaskState> = new Set(['STATE_WAITING', 'STATE_TRAINING']);
/** Can be started and edited. */
export const STARTABLE: ReadonlySet<TaskState> = new Set(['STATE_DRAFT', 'STATE_STOPPED', 'STATE_FAILED']);

export function useTasks(state: TaskState | '') {
  return useList<Task>(['tasks', 'list', state], async (page) => {
    const query = state ? { ...page, state } : page;
    const answer = await ask(api.GET('/api/v1/tasks', { params: { query } }));
    return { items: answer.tasks as Task[], next: answer.next_page_token, total: Number(answer.total_size) };
  });
}

const PROGRESS_MS = 5000;

/** Events tell of states, not of progress: while tasks move, the list is read again from time to time. */
export function useProgressInList(tasks: Task[]): void {
  const queries = useQueryClient();
  const moving = tasks.filter(({ state }) => ACTIVE.has(state)).map(({ id }) => id);
  const ids = moving.join();
  useEffect(() => {
    if (!ids) return;
    const timer = window.setInterval(() => {
      if (!document.hidden) refresh(queries, ['tasks', 'list'], new Set(ids.split(',')));
    }, PROGRESS_MS);
    return () => window.clearInterval(timer);
  }, [ids, queries]);
}

const oneKey = (id: string) => ['tasks', 'one', id];

/** One task; progress comes by a stream for as long as it waits or trains. */
export function useTask(id: string) {
  const queries = useQueryClient();
  const query = useQuery({
    queryKey: oneKey(id),
    queryFn: async () => (await ask(api.GET('/api/v1/tasks/{id}', { params: { path: { id } } }))) as Task,
  });
  const active = query.data !== undefined && ACTIVE.has(query.data.state);
  useStream<Task>({
    url: active ? `/api/v1/tasks/${encodeURIComponent(id)}:watch` : null,
    onMessage: (task) => {
      queries.setQueryData(oneKey(id), task);
      if (!ACTIVE.has(task.state)) void queries.invalidateQueries({ queryKey: ['tasks'] });
    },
  });
  return query;
}

export function useReport(task: Task) {
  return useQuery({
    queryKey: ['tasks', 'report', task.id, task.run_number],
    queryFn: () => ask(api.GET('/api/v1/tasks/{id}/report', { params: { path: { id: task.id } } })),
    enabled: task.scores !== undefined,
    staleTime: Infinity,
  });
}

/** Online algorithms of every purpose. */
export function useAlgorithmChoices() {
  return useQuery({
    queryKey: ['algorithms', 'of-tasks', 'choices'],
    queryFn: async () => {
      const query = { page_size: ALL, online: true };
      return (await ask(api.GET('/api/v1/algorithms', { params: { query } }))).algorithms as Algorithm[];
    },
  });
}

/** Online data sets of every purpose. */
export function useDatasetChoices() {
  return useQuery({
    queryKey: ['datasets', 'of-tasks', 'choices'],
    queryFn: async () => {
      const query = { page_size: ALL, online: true };
      return (await ask(api.GET('/api/v1/datasets', { params: { query } }))).datasets as Dataset[];
    },
  });
}

export function useDataset(id: string) {
  return useQuery({
    queryKey: ['datasets', 'of-tasks', id],
    queryFn: async () => (await ask(api.GET('/api/v1/datasets/{id}', { params: { path: { id } } }))) as Dataset,
    enabled: id !== '',
    retry: false,
  });
}

export function useAlgorithm(id: string) {
  return useQuery({
    queryKey: ['algorithms', 'of-tasks', id],
    queryFn: async () => (await ask(api.GET('/api/v1/algorithms/{id}', { params: { path: { id } } }))) as Algorithm,
    enabled: id !== '',
    retry: false,
  });
}

/** Names by id for tables; what is offline by now or not ours has none. */
export function useNames() {
  const datasets = useQuery({
    queryKey: ['datasets', 'of-tasks', 'names'],
    queryFn: async () => {
      const answer = await ask(api.GET('/api/v1/datasets', { params: { query: { page_size: ALL } } }));
      return new Map(answer.datasets.map((one) => [one.id, one.name]));
    },
  });
  const algorithms = useQuery({
    queryKey: ['algorithms', 'of-tasks', 'names'],
    queryFn: async () => {
      const answer = await ask(api.GET('/api/v1/algorithms', { params: { query: { page_size: ALL } } }));
      return new Map(answer.algorithms.map((one) => [one.id, one as Algorithm]));
    },
  });
  return { datasets: datasets.data, algorithms: algorithms.data };
}

/** What the wizard and the editor send. */
export interface TaskSettings {
  name: string;
  note: string;
  parameters: string;
  seed: string;
  resources: { cpu_millis: string; memory_bytes: string; gpu_millis: string; gpu_memory_bytes: string };
  time_limit_s: string;
}

export type NewTask = TaskSettings & { algorithm_id: string; dataset_id: string; train_share: number };

export function createTask(task: NewTask, start: boolean) {
  return ask(api.POST('/api/v1/tasks', { params: { query: { start } }, body: task }));
}

export function updateTask(id: string, etag: string, task: Partial<TaskSettings>) {
  const update_mask = Object.keys(task).join(',');
  return ask(api.PATCH('/api/v1/tasks/{id}', { params: { path: { id }, query: { update_mask } }, body: { ...task, etag } }));
}

const path = (id: string) => ({ params: { path: { id } } });

export function useStartTask() {
  return useCommand((id: string) => ask(api.POST('/api/v1/tasks/{id}:start', { ...path(id), body: {} })), {
    changes: ['tasks'],
  });
}

export function useStopTask() {
  return useCommand((id: string) => ask(api.POST('/api/v1/tasks/{id}:stop', { ...path(id), body: {} })), {
    changes: ['tasks'],
  });
}

export function useDeleteTask(onDone: () => void) {
  return useCommand((id: string) => ask(api.DELETE('/api/v1/tasks/{id}', path(id))), { changes: ['tasks'], onDone });
}

export function publishTask(id: string, model_name: string) {
  return ask(api.POST('/api/v1/tasks/{id}:publish', { ...path(id), body: { model_name } }));
}
