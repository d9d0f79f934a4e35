import { useQuery } from '@tanstack/react-query';
import { App } from 'antd';
import { useTranslation } from 'react-i18next';
import { useNavigate } from 'react-router';

import { api, ask } from '@/api/client';
import type { Model } from '@/api/types';
import { useCommand } from '@/components/actions';
import { useList } from '@/components/list';
import { useAlgorithmTitle } from '@/features/algorithms/title';

export function useModels() {
  return useList(['models', 'list'], async (page) => {
    const answer = await ask(api.GET('/api/v1/models', { params: { query: page } }));
    return { items: answer.models, next: answer.next_page_token, total: Number(answer.total_size) };
  });
}

export function useModel(id: string) {
  return useQuery({
    queryKey: ['models', id],
    queryFn: () => ask(api.GET('/api/v1/models/{id}', { params: { path: { id } } })),
  });
}

export function useVersions(modelId: string) {
  return useList(['models', modelId, 'versions'], async (page) => {
    const answer = await ask(
      api.GET('/api/v1/models/{model_id}/versions', { params: { path: { model_id: modelId }, query: page } }),
    );
    return { items: answer.model_versions, next: answer.next_page_token, total: Number(answer.total_size) };
  });
}

/** One version, which never changes. */
export function useVersion(id: string) {
  return useQuery({
    queryKey: ['models', 'version', id],
    queryFn: () => ask(api.GET('/api/v1/modelVersions/{id}', { params: { path: { id } } })),
    enabled: id !== '',
  });
}

/** The names of where a version comes from; what has been deleted or may not be seen has none. */
export function useTaskName(id: string): string | undefined {
  const { data } = useQuery({
    queryKey: ['tasks', 'name', id],
    queryFn: async () => (await ask(api.GET('/api/v1/tasks/{id}', { params: { path: { id } } }))).name,
    enabled: id !== '',
  });
  return data;
}

export function useDatasetName(id: string): string | undefined {
  const { data } = useQuery({
    queryKey: ['datasets', 'name', id],
    queryFn: async () => (await ask(api.GET('/api/v1/datasets/{id}', { params: { path: { id } } }))).name,
    enabled: id !== '',
  });
  return data;
}

/** Its title in the language of the page; it may be gone by now. */
export function useAlgorithmTitleOf(id: string): string | undefined {
  const titleOf = useAlgorithmTitle();
  const { data } = useQuery({
    queryKey: ['algorithms', 'title', id],
    queryFn: () => ask(api.GET('/api/v1/algorithms/{id}', { params: { path: { id } } })),
    enabled: id !== '',
  });
  return data && titleOf(data);
}

export function useDeleteModel(model: Model) {
  const { message } = App.useApp();
  const { t } = useTranslation();
  const navigate = useNavigate();
  return useCommand(() => ask(api.DELETE('/api/v1/models/{id}', { params: { path: { id: model.id } } })), {
    changes: [],
    onDone: () => {
      void message.success(t('common.deleted', { name: model.name }));
      void navigate('/models');
    },
  });
}

export function downloadOf(versionId: string): string {
  return `/api/v1/modelVersions/${encodeURIComponent(versionId)}:download`;
}
