import { useEffect, useRef, useState } from 'react';

import { ApiError } from '@/api/errors';

import { append, type Lines, NO_LINES } from './lines';

const GATHER_MS = 200;
const FIRST_RETRY_MS = 1000;
const LONGEST_RETRY_MS = 15_000;

export interface Log {
  lines: Lines;
  /** Nothing has come yet. */
  pending: boolean;
  broken: boolean;
  error: unknown;
}

const BEGUN: Log = { lines: NO_LINES, pending: true, broken: false, error: null };

export function logUrl(id: string): string {
  return `/api/v1/tasks/${encodeURIComponent(id)}/log`;
}

/**
 * The log of a run as it grows: read on from the last byte after a lost connection, and not while the page is hidden.
 * Of a run that is `active` it comes until the run has ended.
 */
export function useLog(id: string, run: number, active: boolean): Log {
  const [log, setLog] = useState<Log>(BEGUN);
  const follow = useRef(active);
  follow.current = active;

  useEffect(() => {
    let reading: AbortController | null = null;
    let offset = 0;
    let complete = false;
    let left = false;
    let retry = FIRST_RETRY_MS;
    let timer: number | undefined;
    let flushing: number | undefined;
    let waiting = '';
    const decoder = new TextDecoder();

    const flush = () => {
      flushing = undefined;
      const text = waiting;
      waiting = '';
      if (!left) setLog((before) => ({ lines: append(before.lines, text), pending: false, broken: false, error: null }));
    };
    const read = async (signal: AbortSignal) => {
      const response = await fetch(`${logUrl(id)}?offset=${offset}&follow=${follow.current}`, { signal });
      if (!response.ok) throw await ApiError.of(response);
      const reader = response.body?.getReader();
      for (;;) {
        const { done, value } = (await reader?.read()) ?? { done: true };
        if (done) break;
        retry = FIRST_RETRY_MS;
        offset += value?.length ?? 0;
        waiting += decoder.decode(value, { stream: true });
        flushing ??= window.setTimeout(flush, GATHER_MS);
      }
      complete = true;
      window.clearTimeout(flushing);
      flush();
    };
    const open = () => {
      if (reading || complete || left || document.hidden) return;
      const mine = new AbortController();
      reading = mine;
      read(mine.signal)
        .catch((error: unknown) => {
          if (mine.signal.aborted || left) return;
          if (error instanceof ApiError && !error.passing) {
            complete = true;
            setLog((before) => ({ ...before, pending: false, error }));
            return;
          }
          setLog((before) => ({ ...before, broken: true }));
          timer = window.setTimeout(open, retry);
          retry = Math.min(retry * 2, LONGEST_RETRY_MS);
        })
        .finally(() => {
          if (reading === mine) reading = null;
        });
    };
    const seen = () => {
      if (document.hidden) {
        window.clearTimeout(timer);
        reading?.abort();
        reading = null;
      } else open();
    };

    setLog(BEGUN);
    document.addEventListener('visibilitychange', seen);
    open();
    return () => {
      left = true;
      document.removeEventListener('visibilitychange', seen);
      window.clearTimeout(timer);
      window.clearTimeout(flushing);
      reading?.abort();
    };
  }, [id, run]);
  return log;
}
