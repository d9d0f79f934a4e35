import { useQuery } from '@tanstack/react-query';

import { api, ask } from '@/api/client';
import type { DatasetState, ServiceState, TaskState } from '@/api/types';
import { useCurrentUser } from '@/features/session/api';

const REFRESH_MS = 3000;
const RECENT = 8;
const SEARCHED = 200;

/** How many data sets there are, of one state or of all. */
export function useDatasetCount(state?: DatasetState) {
  return useQuery({
    queryKey: ['datasets', 'count', state ?? ''],
    queryFn: async () => total(await ask(api.GET('/api/v1/datasets', { params: { query: { page_size: 1, state } } }))),
  });
}

export function useTaskCount(state?: TaskState) {
  return useQuery({
    queryKey: ['tasks', 'count', state ?? ''],
    queryFn: async () => total(await ask(api.GET('/api/v1/tasks', { params: { query: { page_size: 1, state } } }))),
  });
}

export function useServiceCount(state?: ServiceState) {
  return useQuery({
    queryKey: ['services', 'count', state ?? ''],
    queryFn: async () => total(await ask(api.GET('/api/v1/services', { params: { query: { page_size: 1, state } } }))),
  });
}

export function useModelCount() {
  return useQuery({
    queryKey: ['models', 'count'],
    queryFn: async () => total(await ask(api.GET('/api/v1/models', { params: { query: { page_size: 1 } } }))),
  });
}

function total(answer: { total_size: string }): number {
  return Number(answer.total_size);
}

export function useRecentDatasets() {
  return useQuery({
    queryKey: ['datasets', 'recent'],
    queryFn: async () => (await ask(api.GET('/api/v1/datasets', { params: { query: { page_size: RECENT } } }))).datasets,
  });
}

export function useRecentTasks() {
  return useQuery({
    queryKey: ['tasks', 'recent'],
    queryFn: async () => (await ask(api.GET('/api/v1/tasks', { params: { query: { page_size: RECENT } } }))).tasks,
  });
}

export function useRecentModels() {
  return useQuery({
    queryKey: ['models', 'recent'],
    queryFn: async () => (await ask(api.GET('/api/v1/models', { params: { query: { page_size: RECENT } } }))).models,
  });
}

export function useRecentServices() {
  return useQuery({
    queryKey: ['services', 'recent'],
    queryFn: async () => (await ask(api.GET('/api/v1/services', { params: { query: { page_size: RECENT } } }))).services,
  });
}

/** Tasks that train or wait, and services that start. Progress is no event, so it is read again while there is some. */
export function useBusy() {
  const tasks = useQuery({
    queryKey: ['tasks', 'busy'],
    queryFn: async () => {
      const [training, waiting] = await Promise.all(
        (['STATE_TRAINING', 'STATE_WAITING'] as const).map((state) =>
          ask(api.GET('/api/v1/tasks', { params: { query: { page_size: RECENT, state } } })),
        ),
      );
      return [...(training?.tasks ?? []), ...(waiting?.tasks ?? [])];
    },
    refetchInterval: ({ state }) => (state.data?.length ? REFRESH_MS : false),
  });
  const services = useQuery({
    queryKey: ['services', 'busy'],
    queryFn: async () => {
      const query = { page_size: RECENT, state: 'STATE_STARTING' as const };
      return (await ask(api.GET('/api/v1/services', { params: { query } }))).services;
    },
  });
  return { tasks, services };
}

/** The published task whose model has the lowest precision, among the newest ones. */
export function useLowestPrecision() {
  return useQuery({
    queryKey: ['tasks', 'lowest'],
    queryFn: async () => {
      const query = { page_size: SEARCHED, state: 'STATE_PUBLISHED' as const };
      const { tasks } = await ask(api.GET('/api/v1/tasks', { params: { query } }));
      const judged = tasks.filter((task) => task.scores);
      return judged.sort((a, b) => (a.scores?.precision ?? 1) - (b.scores?.precision ?? 1))[0] ?? null;
    },
  });
}

/** Whether somebody has made no data set yet; undefined while it is not known. */
export function useIsNew(): boolean | undefined {
  const { data: user } = useCurrentUser();
  const { data } = useQuery({
    queryKey: ['datasets', 'owners'],
    queryFn: async () => {
      const answer = await ask(api.GET('/api/v1/datasets', { params: { query: { page_size: SEARCHED } } }));
      return { owners: answer.datasets.map((dataset) => dataset.owner), all: !answer.next_page_token };
    },
  });
  if (!user || !data) return undefined;
  return data.all && !data.owners.includes(user.id);
}
