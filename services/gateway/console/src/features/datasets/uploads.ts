import { useSyncExternalStore } from 'react';

import { api, ask } from '@/api/client';
import { ApiError } from '@/api/errors';

import { Speed } from './speed';
import { type Running, startUpload } from './upload';

const TELL_MS = 250;
const WAIT_MS = 15_000;

export interface Part {
  role: 'train' | 'test';
  file: File;
  sent: number;
  /** Bytes a second. */
  speed: number;
  /** The line is broken; what is left is sent when it is back. */
  interrupted: boolean;
  /** Of the upload, once it is finished. */
  id: string;
}

export interface Transfer {
  /** `starting`: everything is sent, and the server is asked to import it. */
  phase: 'sending' | 'starting' | 'failed';
  parts: Part[];
  error: unknown;
}

/**
 * The uploads of this tab by data set. They live outside of the pages, so that looking at something else in the
 * console does not stop them; only leaving the console does, and the browser asks before.
 */
const transfers = new Map<string, Transfer>();
const running = new Map<string, { cancel: () => void }>();
const listeners = new Set<() => void>();

function set(datasetId: string, transfer: Transfer | undefined): void {
  if (transfer) transfers.set(datasetId, transfer);
  else transfers.delete(datasetId);
  if ([...transfers.values()].some((one) => one.phase !== 'failed')) window.addEventListener('beforeunload', hold);
  else window.removeEventListener('beforeunload', hold);
  for (const listener of listeners) listener();
}

function hold(event: BeforeUnloadEvent): void {
  event.preventDefault();
}

function change(datasetId: string, role: Part['role'], values: Partial<Part>): void {
  const transfer = transfers.get(datasetId);
  if (!transfer) return;
  const parts = transfer.parts.map((part) => (part.role === role ? { ...part, ...values } : part));
  set(datasetId, { ...transfer, parts });
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => {
    listeners.delete(listener);
  };
}

/** The upload for a data set that runs in this tab, or that failed. */
export function useTransfer(datasetId: string): Transfer | undefined {
  return useSyncExternalStore(subscribe, () => transfers.get(datasetId));
}

/** Send the archives one after the other, then have them imported. `onImport` is called when the import has begun. */
export function startTransfer(datasetId: string, files: { train: File; test?: File }, onImport: () => void): void {
  const part = (role: Part['role'], file: File): Part => ({ role, file, sent: 0, speed: 0, interrupted: false, id: '' });
  const parts = [part('train', files.train), ...(files.test ? [part('test', files.test)] : [])];
  set(datasetId, { phase: 'sending', parts, error: null });
  void go(datasetId, onImport);
}

/** Go on after a failure; what has arrived is not sent again. */
export function retryTransfer(datasetId: string, onImport: () => void): void {
  const transfer = transfers.get(datasetId);
  if (!transfer) return;
  set(datasetId, { ...transfer, phase: 'sending', error: null });
  void go(datasetId, onImport);
}

/** Stop; the same file goes on where it stopped when it is chosen again. */
export function cancelTransfer(datasetId: string): void {
  running.get(datasetId)?.cancel();
  running.delete(datasetId);
  set(datasetId, undefined);
}

async function go(datasetId: string, onImport: () => void): Promise<void> {
  let cancelled = false;
  let current: Running | undefined;
  running.set(datasetId, {
    cancel: () => {
      cancelled = true;
      current?.cancel();
    },
  });
  try {
    for (const { role, file, id } of transfers.get(datasetId)?.parts ?? []) {
      if (!id) await sendPart(datasetId, role, file, () => cancelled, (upload) => (current = upload));
      if (cancelled) return;
    }
    const parts = transfers.get(datasetId)?.parts ?? [];
    set(datasetId, { phase: 'starting', parts, error: null });
    await untilReached(datasetId, () => cancelled, () => requestImport(datasetId, parts));
    onImport();
    set(datasetId, undefined);
  } catch (error) {
    const transfer = transfers.get(datasetId);
    if (!cancelled && transfer) set(datasetId, { ...transfer, phase: 'failed', error });
  } finally {
    if (!cancelled) running.delete(datasetId);
  }
}

function idOf(parts: Part[], role: Part['role']): string {
  return parts.find((part) => part.role === role)?.id ?? '';
}

/** Ask for the import; the same uploads are imported once, however often that is asked. */
function requestImport(datasetId: string, parts: Part[]): Promise<unknown> {
  const train = idOf(parts, 'train');
  return ask(
    api.POST('/api/v1/datasets/{id}:import', {
      params: { path: { id: datasetId }, header: { 'Idempotency-Key': `import-${train}` } },
      body: { upload_id: train, test_upload_id: idOf(parts, 'test') },
    }),
  );
}

/** Run `step` again as long as the server cannot be reached. */
async function untilReached<T>(datasetId: string, isCancelled: () => boolean, step: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await step();
    } catch (error) {
      if (!(error instanceof ApiError) || !error.passing || isCancelled()) throw error;
      const role = transfers.get(datasetId)?.parts.find((part) => !part.id)?.role ?? 'train';
      change(datasetId, role, { interrupted: true, speed: 0 });
      await new Promise((resolve) => window.setTimeout(resolve, WAIT_MS));
      if (isCancelled()) throw error;
    }
  }
}

/** Send one archive. */
async function sendPart(
  datasetId: string,
  role: Part['role'],
  file: File,
  isCancelled: () => boolean,
  onStart: (upload: Running) => void,
): Promise<void> {
  const speed = new Speed();
  let told = 0;
  const watcher = {
    onProgress: (sent: number) => {
      speed.note(sent);
      if (performance.now() - told < TELL_MS && sent < file.size) return;
      told = performance.now();
      change(datasetId, role, { sent, speed: speed.perSecond, interrupted: false });
    },
    onInterrupted: (interrupted: boolean) => {
      if (!interrupted) return;
      speed.restart();
      change(datasetId, role, { interrupted: true, speed: 0 });
    },
  };
  const id = await untilReached(datasetId, isCancelled, () => {
    const upload = startUpload(file, watcher);
    onStart(upload);
    return upload.done;
  });
  change(datasetId, role, { id, sent: file.size, interrupted: false });
}

/** How much of all archives together has arrived, from 0 to 1. */
export function shareOf({ parts }: Transfer): number {
  const total = parts.reduce((sum, part) => sum + part.file.size, 0);
  return total ? parts.reduce((sum, part) => sum + part.sent, 0) / total : 0;
}
