import type { Dataset, Task } from '@/api/types';

export type Stage = 'pack' | 'upload' | 'check' | 'queue' | 'prepare' | 'learn' | 'exam';

/** Which part of the whole way a stage takes: from, to. */
const SHARES: Record<Stage, [number, number]> = {
  pack: [0, 0.05],
  upload: [0.05, 0.25],
  check: [0.25, 0.4],
  queue: [0.4, 0.45],
  prepare: [0.45, 1],
  learn: [0.45, 1],
  exam: [0.45, 1],
};

const EXAM_STEPS = new Set(['evaluation', 'export']);

export interface Standing {
  stage: Stage;
  /** Of the stage; learning and what stands around it share one scale. */
  fraction: number;
}

/** How much of the whole way lies behind, 0 to 1. */
export function overall({ stage, fraction }: Standing): number {
  const [from, to] = SHARES[stage];
  return from + (to - from) * Math.min(Math.max(fraction, 0), 1);
}

export function standingOfDataset({ import_progress }: Dataset): Standing {
  const { files_done = 0, files_total = 0 } = import_progress ?? {};
  return { stage: 'check', fraction: Number(files_total) ? Number(files_done) / Number(files_total) : 0 };
}

export function standingOfTask(task: Task): Standing {
  if (task.state !== 'STATE_TRAINING') return { stage: 'queue', fraction: 0.5 };
  const running = (task.steps.find((step) => step.state === 'running') ?? task.steps.at(-1))?.name ?? '';
  const stage = EXAM_STEPS.has(running) ? 'exam' : running === 'training' ? 'learn' : 'prepare';
  return { stage, fraction: task.progress };
}

/** Number of passes over the data that the task's parameters ask for, if its algorithm has such. */
export function passesOf(task: Task): number {
  const parameters = JSON.parse(task.parameters || '{}') as { epochs?: number };
  return parameters.epochs ?? 0;
}
