import { useMemo, useRef, useState } from 'react';

import { useEvents } from '@/api/live';
import type { Dataset, Model, PlatformEvent, Service, Task } from '@/api/types';
import { nameOf } from '@/features/events/subject';

import { useRecentDatasets, useRecentModels, useRecentServices, useRecentTasks } from './api';

const SHOWN = 8;
/** What is of interest here; workloads follow tasks and services. */
const TOLD = new Set(['dataset', 'algorithm', 'task', 'model', 'service']);

/** The last thing that happened to a resource: `type` is that of the event. */
export interface Happening {
  subject: string;
  name: string;
  type: string;
  time: string;
}

const DATASET: Record<Dataset['state'], string> = {
  STATE_UNSPECIFIED: 'created',
  STATE_DRAFT: 'created',
  STATE_IMPORTING: 'import_started',
  STATE_IMPORTED: 'imported',
  STATE_FAILED: 'import_failed',
};

const TASK: Record<Task['state'], string> = {
  STATE_UNSPECIFIED: 'created',
  STATE_DRAFT: 'created',
  STATE_WAITING: 'submitted',
  STATE_TRAINING: 'started',
  STATE_STOPPED: 'stopped',
  STATE_FINISHED: 'finished',
  STATE_FAILED: 'failed',
  STATE_PUBLISHED: 'published',
};

const SERVICE: Record<Service['state'], string> = {
  STATE_UNSPECIFIED: 'created',
  STATE_STOPPED: 'created',
  STATE_STARTING: 'updated',
  STATE_RUNNING: 'started',
  STATE_STOPPING: 'updated',
  STATE_FAILED: 'failed',
};

export function ofDataset(dataset: Dataset): Happening {
  const type = `dataset.${dataset.online ? 'onlined' : DATASET[dataset.state]}`;
  return { subject: `dataset/${dataset.id}`, name: dataset.name, type, time: dataset.updated_at ?? '' };
}

function ofTask(task: Task): Happening {
  return { subject: `task/${task.id}`, name: task.name, type: `task.${TASK[task.state]}`, time: task.updated_at ?? '' };
}

function ofModel(model: Model): Happening {
  return { subject: `model/${model.id}`, name: model.name, type: 'model.published', time: model.updated_at ?? '' };
}

function ofService(service: Service): Happening {
  const type = `service.${SERVICE[service.state]}`;
  return { subject: `service/${service.id}`, name: service.name, type, time: service.updated_at ?? '' };
}

function ofEvent(event: PlatformEvent): Happening {
  return { subject: event.subject, name: nameOf(event), type: event.type, time: event.time ?? '' };
}

/** One line a resource, the latest of it. */
export function latest(heard: Happening[], listed: Happening[]): Happening[] {
  const by = new Map<string, Happening>();
  for (const one of [...listed, ...heard]) {
    const known = by.get(one.subject);
    if (!known || known.time <= one.time) by.set(one.subject, one);
  }
  return [...by.values()].sort((a, b) => b.time.localeCompare(a.time)).slice(0, SHOWN);
}

/** What happened last, from the lists that the page reads anyhow, and what is heard since: no history is read. */
export function useActivity() {
  const [heard, setHeard] = useState<Happening[]>([]);
  const kept = useRef(heard);
  const datasets = useRecentDatasets();
  const tasks = useRecentTasks();
  const models = useRecentModels();
  const services = useRecentServices();

  useEvents((event) => {
    if (!TOLD.has(event.type.split('.')[0] ?? '')) return;
    const others = kept.current.filter(({ subject }) => subject !== event.subject);
    kept.current = [...others, ofEvent(event)].slice(-SHOWN);
    setHeard(kept.current);
  });

  const happenings = useMemo(
    () =>
      latest(heard, [
        ...(datasets.data ?? []).map(ofDataset),
        ...(tasks.data ?? []).map(ofTask),
        ...(models.data ?? []).map(ofModel),
        ...(services.data ?? []).map(ofService),
      ]),
    [heard, datasets.data, tasks.data, models.data, services.data],
  );
  return { happenings, pending: datasets.isPending || tasks.isPending || models.isPending || services.isPending };
}
