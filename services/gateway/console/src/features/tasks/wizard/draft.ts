import type { Algorithm, Dataset, Task } from '@/api/types';
import { defaultsOf, type JsonSchema, problemsOf, schemaOf } from '@/features/algorithms/schema';

import type { NewTask, TaskSettings } from '../api';

export const GIB = 1024 ** 3;
const DEFAULT_SHARE = 0.9;
const DAY_H = 24;

/** What is asked of the cluster, in the units of the form. */
export interface Asked {
  cores: number;
  memoryGib: number;
  gpus: number;
  hours: number;
}

/** Everything that can be set in the wizard. What is chosen stays when one goes back. */
export interface Draft extends Asked {
  /** `image/classification` */
  purpose: string;
  algorithm?: Algorithm;
  dataset?: Dataset;
  share: number;
  parameters: Parameters;
  seed: number;
  name: string;
  note: string;
}

export interface Parameters {
  values: Record<string, unknown>;
  /** What is typed while it is edited as JSON. */
  raw?: string;
}

export const EMPTY: Draft = {
  purpose: '',
  share: DEFAULT_SHARE,
  parameters: { values: {} },
  seed: 0,
  cores: 1,
  memoryGib: 2,
  gpus: 0,
  hours: DAY_H,
  name: '',
  note: '',
};

export function purposeKey(of: { purpose?: { level1: string; level2: string } }): string {
  return of.purpose ? `${of.purpose.level1}/${of.purpose.level2}` : '';
}

/** The algorithm takes data sets of this purpose and format. */
export function fits(dataset: Dataset, algorithm: Algorithm): boolean {
  return purposeKey(dataset) === purposeKey(algorithm) && algorithm.data_formats.includes(dataset.format);
}

export function schemaOfAlgorithm(algorithm: Algorithm | undefined): JsonSchema {
  return schemaOf(algorithm?.training?.parameters_schema);
}

export function withPurpose(draft: Draft, purpose: string): Draft {
  if (purpose === draft.purpose) return draft;
  return { ...draft, purpose, algorithm: undefined, dataset: keepIf(draft.dataset, purpose) };
}

function keepIf(dataset: Dataset | undefined, purpose: string): Dataset | undefined {
  return dataset && purposeKey(dataset) === purpose ? dataset : undefined;
}

/** Its parameters begin with the defaults, and a card is asked for where it needs one. */
export function withAlgorithm(draft: Draft, algorithm: Algorithm): Draft {
  if (algorithm.id === draft.algorithm?.id) return draft;
  return {
    ...draft,
    purpose: purposeKey(algorithm),
    algorithm,
    dataset: draft.dataset && fits(draft.dataset, algorithm) ? draft.dataset : undefined,
    parameters: { values: defaultsOf(schemaOfAlgorithm(algorithm)) },
    gpus: algorithm.training?.device === 'DEVICE_GPU' ? 1 : 0,
  };
}

export function withDataset(draft: Draft, dataset: Dataset): Draft {
  const name = draft.name && draft.name !== proposedName(draft.dataset) ? draft.name : proposedName(dataset);
  return { ...draft, purpose: purposeKey(dataset), dataset, name };
}

function proposedName(dataset: Dataset | undefined): string {
  return dataset ? dataset.name.slice(0, 60) : '';
}

export function splits(dataset: Dataset | undefined): boolean {
  return dataset?.test_set_mode !== 'TEST_SET_MODE_INDEPENDENT';
}

/** The object that was typed, or undefined when it is none. */
export function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}

/** Whether the parameters could be sent. */
export function parametersHold(algorithm: Algorithm | undefined, { values, raw }: Parameters): boolean {
  if (raw !== undefined && parseObject(raw) === undefined) return false;
  return Object.keys(problemsOf(schemaOfAlgorithm(algorithm), values)).length === 0;
}

export function resourcesOf({ cores, memoryGib, gpus }: Asked): TaskSettings['resources'] {
  return {
    cpu_millis: String(Math.round(cores * 1000)),
    memory_bytes: String(Math.round(memoryGib * GIB)),
    gpu_millis: String(gpus * 1000),
    gpu_memory_bytes: '0',
  };
}

export function askedOf(task: Task): Asked {
  return {
    cores: Number(task.resources?.cpu_millis ?? 0) / 1000,
    memoryGib: Math.round((Number(task.resources?.memory_bytes ?? 0) / GIB) * 100) / 100,
    gpus: Number(task.resources?.gpu_millis ?? 0) / 1000,
    hours: Math.round((Number(task.time_limit_s) / 3600) * 100) / 100,
  };
}

export function timeLimitOf({ hours }: Asked): string {
  return String(Math.round(hours * 3600));
}

export function toTask(draft: Draft): NewTask {
  return {
    name: draft.name.trim(),
    note: draft.note.trim(),
    algorithm_id: draft.algorithm?.id ?? '',
    dataset_id: draft.dataset?.id ?? '',
    train_share: splits(draft.dataset) ? draft.share : 0,
    seed: String(draft.seed),
    parameters: JSON.stringify(draft.parameters.values),
    resources: resourcesOf(draft),
    time_limit_s: timeLimitOf(draft),
  };
}

/** A draft like an earlier task. */
export function draftLike(task: Task, algorithm: Algorithm | undefined, dataset: Dataset | undefined): Draft {
  const begun = { ...EMPTY, purpose: purposeKey(task), ...askedOf(task) };
  const chosen = algorithm ? withAlgorithm(begun, algorithm) : begun;
  const filled = dataset ? withDataset(chosen, dataset) : chosen;
  return {
    ...filled,
    ...askedOf(task),
    name: task.name,
    note: task.note,
    seed: Number(task.seed),
    share: task.train_share || DEFAULT_SHARE,
    parameters: { values: parseObject(task.parameters) ?? {} },
  };
}
