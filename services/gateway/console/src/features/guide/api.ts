import { useQuery, useQueryClient } from '@tanstack/react-query';

import { api, ask } from '@/api/client';
import { ApiError } from '@/api/errors';
import { useStream } from '@/api/stream';
import type { Dataset, MetricPoint, Service, Task } from '@/api/types';

import type { Kind } from './files';
import { shortTitle } from './names';

const FEW_SAMPLES = 200;

const READ = {
  datasets: (id: string) => ask(api.GET('/api/v1/datasets/{id}', { params: { path: { id } } })),
  tasks: (id: string) => ask(api.GET('/api/v1/tasks/{id}', { params: { path: { id } } })),
  services: (id: string) => ask(api.GET('/api/v1/services/{id}', { params: { path: { id } } })),
};

interface Kinds {
  datasets: Dataset;
  tasks: Task;
  services: Service;
}

/** A resource of the path, live while it is to be watched. */
export function useWatched<Name extends keyof Kinds>(
  name: Name,
  id: string,
  watched: (read: Kinds[Name] | undefined) => boolean,
) {
  const queries = useQueryClient();
  const key = [name, 'guide', id];
  const query = useQuery<Kinds[Name]>({
    queryKey: key,
    queryFn: () => READ[name](id) as Promise<Kinds[Name]>,
    enabled: id !== '',
  });
  useStream<Kinds[Name]>({
    url: id && query.isSuccess && watched(query.data) ? `/api/v1/${name}/${id}:watch` : null,
    onMessage: (message) => queries.setQueryData(key, message),
  });
  return query;
}

/** Metric points of a run as they come. */
export function useMetrics(task: string, onPoint: (point: MetricPoint) => void): void {
  useStream<MetricPoint>({
    url: task ? `/api/v1/tasks/${task}/metrics:watch` : null,
    resume: (url, index) => `${url}?after=${index}`,
    onMessage: onPoint,
  });
}

export function useReport(task: string) {
  return useQuery({
    queryKey: ['tasks', 'guide', task, 'report'],
    queryFn: () => ask(api.GET('/api/v1/tasks/{id}/report', { params: { path: { id: task } } })),
    enabled: task !== '',
    staleTime: Infinity,
  });
}

export function createDataset(given: { name: string; title: string; kind: Kind }): Promise<Dataset> {
  return ask(
    api.POST('/api/v1/datasets', {
      params: { query: { request_id: `guide-${given.name}` } },
      body: {
        name: given.name,
        description: given.title,
        purpose: { level1: given.kind, level2: 'classification' },
        annotation_mode: 'ANNOTATION_MODE_CLASSIFICATION',
        format: 'dir',
        test_set_mode: 'TEST_SET_MODE_RATIO',
      },
    }),
  );
}

export function importUpload(id: string, upload_id: string): Promise<Dataset> {
  return ask(api.POST('/api/v1/datasets/{id}:import', { params: { path: { id } }, body: { upload_id } }));
}

/** Bring an imported data set online and start a task on it. Doing it again gives the same task. */
export async function learn(dataset: Dataset, title: string): Promise<Task> {
  if (!dataset.online) {
    await ask(api.POST('/api/v1/datasets/{id}:online', { params: { path: { id: dataset.id } }, body: {} })).catch(
      (error: unknown) => {
        if (!(error instanceof ApiError && error.reason === 'DATASET_ONLINE')) throw error;
      },
    );
  }
  const algorithm = await presetFor(dataset.purpose?.level1 ?? 'image');
  const samples = Number(dataset.version?.train_samples ?? 0);
  return ask(
    api.POST('/api/v1/tasks', {
      params: { query: { start: true, request_id: `guide-${dataset.id}-${dataset.version?.number ?? 1}` } },
      body: {
        name: shortTitle(title) || dataset.name,
        dataset_id: dataset.id,
        algorithm_id: algorithm.id,
        // Of few samples more are needed for the exam.
        train_share: samples < FEW_SAMPLES ? 0.8 : 0.9,
        parameters: JSON.stringify(passesFor(samples, algorithm.training?.parameters_schema ?? '')),
      },
    }),
  );
}

/** The platform's own algorithm for classes of this kind. */
async function presetFor(kind: string) {
  const query = { purpose: kind, online: true, page_size: 1000 };
  const { algorithms } = await ask(api.GET('/api/v1/algorithms', { params: { query } }));
  const fit = algorithms.filter((one) => one.purpose?.level2 === 'classification' && one.data_formats.includes('dir'));
  const chosen = fit.find((one) => one.visibility === 'VISIBILITY_PRESET') ?? fit[0];
  if (!chosen) throw new ApiError('', 404, 'NO_ALGORITHM');
  return chosen;
}

const SMALL = 1500;
const SEEN = 6000;
const FEWEST_PASSES = 8;
const MOST_PASSES = 60;

/** Few samples are gone through more often, in smaller portions; else the algorithm's defaults hold. */
export function passesFor(samples: number, schema: string): Record<string, number> {
  const known = (JSON.parse(schema || '{}') as { properties?: object }).properties ?? {};
  if (samples === 0 || samples >= SMALL || !('epochs' in known && 'batch_size' in known)) return {};
  const epochs = Math.min(Math.max(Math.round(SEEN / samples), FEWEST_PASSES), MOST_PASSES);
  return { epochs, batch_size: samples < SMALL / 3 ? 16 : 32 };
}

export function startAgain(task: Task): Promise<Task> {
  return ask(api.POST('/api/v1/tasks/{id}:start', { params: { path: { id: task.id } }, body: {} }));
}

/** Publish the model of a task, unless it is, and make a service of it that starts. Doing it again gives the same. */
export async function serve(task: Task): Promise<Service> {
  const version = task.model_version_id || (await publish(task));
  const service = await ask(
    api.POST('/api/v1/services', {
      params: { query: { request_id: `guide-${version}` } },
      body: { name: task.name, model_version_id: version },
    }),
  );
  const { state } = await READ.services(service.id);
  return state === 'STATE_STOPPED' || state === 'STATE_FAILED' ? startService(service.id) : service;
}

async function publish(task: Task): Promise<string> {
  const named = (model_name: string) =>
    ask(api.POST('/api/v1/tasks/{id}:publish', { params: { path: { id: task.id } }, body: { model_name } }));
  try {
    return (await named(task.name)).id;
  } catch (error) {
    // A model of that name with another purpose.
    if (error instanceof ApiError && error.code === 409) return (await named(`${task.name}-${task.id.slice(-6)}`)).id;
    throw error;
  }
}

export function startService(id: string): Promise<Service> {
  return ask(api.POST('/api/v1/services/{id}:start', { params: { path: { id } }, body: { load: 1 } }));
}

export async function predict(service: Service, value: string) {
  const name = service.interface?.parameters[0]?.name ?? '';
  const body = { instances: [{ inputs: { [name]: value } }] };
  const answer = await ask(api.POST('/api/v1/services/{id}:predict', { params: { path: { id: service.id } }, body }));
  const prediction = answer.predictions[0];
  if (!prediction) throw new ApiError('', 500, 'MODEL_FAILED');
  return prediction;
}
