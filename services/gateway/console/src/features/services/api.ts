import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { App } from 'antd';
import { useTranslation } from 'react-i18next';
import { useNavigate } from 'react-router';

import { api, ask } from '@/api/client';
import { useStream } from '@/api/stream';
import type { Service, ServiceState } from '@/api/types';
import { useCommand } from '@/components/actions';
import { useTellError } from '@/components/errors';
import { useList } from '@/components/list';

/** The server's limits. */
export const LOAD = { min: 1, max: 64 };
export const NAME_MAX = 60;
export const DESCRIPTION_MAX = 2000;
export const IMAGE_MAX_BYTES = 32 * 2 ** 20;
export const TEXT_MAX = 200_000;

const MANY = 1000;
const CHANGES = { changes: ['services'] };

async function readServices(page: { page_size: number; page_token: string }, state?: ServiceState) {
  const answer = await ask(api.GET('/api/v1/services', { params: { query: { ...page, state } } }));
  return { items: answer.services, next: answer.next_page_token, total: Number(answer.total_size) };
}

export function useServices(state: ServiceState | '') {
  return useList(['services', 'list', state], (page) => readServices(page, state || undefined));
}

/** All services that were made of a model. */
export function useServicesOfModel(modelId: string) {
  return useQuery({
    queryKey: ['services', 'of-model', modelId],
    queryFn: async () => {
      const found: Service[] = [];
      let next = '';
      do {
        const page = await readServices({ page_size: MANY, page_token: next });
        found.push(...page.items.filter((service) => service.model_id === modelId));
        next = page.next;
      } while (next);
      return found;
    },
  });
}

/** One service, which is told of every change at once. */
export function useService(id: string) {
  const queries = useQueryClient();
  const queryKey = ['services', id];
  const query = useQuery({ queryKey, queryFn: () => ask(api.GET('/api/v1/services/{id}', at(id))) });
  useStream<Service>({
    url: query.isSuccess ? `/api/v1/services/${encodeURIComponent(id)}:watch` : null,
    onMessage: (service) => queries.setQueryData(queryKey, service),
  });
  return query;
}

function at(id: string) {
  return { params: { path: { id } } };
}

export function useStartService(id: string) {
  return useCommand((load: number) => ask(api.POST('/api/v1/services/{id}:start', { ...at(id), body: { load } })), CHANGES);
}

export function useStopService(id: string) {
  return useCommand(() => ask(api.POST('/api/v1/services/{id}:stop', { ...at(id), body: {} })), CHANGES);
}

export function useScaleService(id: string) {
  return useCommand((load: number) => ask(api.POST('/api/v1/services/{id}:scale', { ...at(id), body: { load } })), CHANGES);
}

export type Editable = Pick<Service, 'name' | 'description'>;

/** Its errors are shown at the fields of the form. */
export function useUpdateService(id: string) {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (body: Editable) =>
      ask(
        api.PATCH('/api/v1/services/{id}', {
          params: { path: { id }, query: { update_mask: 'name,description' } },
          body,
        }),
      ),
    onSuccess: () => queries.invalidateQueries({ queryKey: ['services'] }),
  });
}

export function useDeleteService(service: Service) {
  const { message } = App.useApp();
  const { t } = useTranslation();
  const navigate = useNavigate();
  return useCommand(() => ask(api.DELETE('/api/v1/services/{id}', at(service.id))), {
    changes: [],
    onDone: () => {
      void message.success(t('common.deleted', { name: service.name }));
      void navigate('/services');
    },
  });
}

export interface NewService extends Editable {
  model_version_id: string;
  load: number;
}

/** Creates a service, starts it, and goes to its page. Errors of creating are shown in the form. */
export function useMakeService() {
  const queries = useQueryClient();
  const navigate = useNavigate();
  const tell = useTellError();
  return useMutation({
    mutationFn: async ({ load, ...body }: NewService) => {
      const { id } = await ask(api.POST('/api/v1/services', { body }));
      // It is there now; whatever hinders the start is better shown on its page.
      await ask(api.POST('/api/v1/services/{id}:start', { ...at(id), body: { load } })).catch(tell);
      return id;
    },
    onSuccess: (id) => {
      void queries.invalidateQueries({ queryKey: ['services'] });
      void navigate(`/services/${id}`);
    },
  });
}

const LIVE_MS = 5000;
const SLOW_MS = 60_000;

/** The last `windowS` seconds of requests in about `points` points; a window of an hour is followed live. */
export function useStatistics(id: string, windowS: number, points: number) {
  return useQuery({
    queryKey: ['services', id, 'statistics', windowS],
    queryFn: () =>
      ask(
        api.GET('/api/v1/services/{id}/statistics', {
          params: { path: { id }, query: { window_s: windowS, points } },
        }),
      ),
    refetchInterval: windowS <= 3600 ? LIVE_MS : SLOW_MS,
    placeholderData: (before) => before,
  });
}

export type Inputs = Record<string, string>;

/** Asks the model once; `ms` is how long the answer took as seen from here. */
export function usePredict(id: string) {
  return useMutation({
    mutationFn: async (inputs: Inputs) => {
      const began = performance.now();
      const answer = await ask(
        api.POST('/api/v1/services/{id}:predict', { ...at(id), body: { instances: [{ inputs }] } }),
      );
      return { prediction: answer.predictions[0], model_number: answer.model_number, ms: performance.now() - began };
    },
  });
}
