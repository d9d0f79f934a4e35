import { useQueryClient } from '@tanstack/react-query';
import { createContext, useContext, useEffect, useRef } from 'react';

import { refresh } from './longLists';
import { useStream } from './stream';
import type { PlatformEvent } from './types';

const GATHER_MS = 400;

/** What an event is about to the first words of the query keys that it makes old. */
const CONCERNS: Record<string, string[]> = {
  dataset: ['datasets'],
  algorithm: ['algorithms'],
  task: ['tasks', 'workloads'],
  model: ['models'],
  service: ['services'],
  workload: ['workloads', 'nodes', 'queues'],
  node: ['nodes'],
};

type Listener = (event: PlatformEvent) => void;

const listeners = new Set<Listener>();
export const LiveContext = createContext(false);

/** One stream of all events for the whole page: what changes anywhere is read again here. Used once, by the frame. */
export function useLiveQueries(): boolean {
  const queries = useQueryClient();
  const old = useRef(new Map<string, Set<string>>());
  const timer = useRef<number>(undefined);
  const opened = useRef(false);

  const state = useStream<PlatformEvent>({
    url: '/api/v1/events',
    resume: (url, id) => `${url}?cursor=${id}`,
    onMessage: (event) => {
      for (const listener of listeners) listener(event);
      const [kind = '', id = ''] = event.subject.split('/');
      for (const key of CONCERNS[kind] ?? []) old.current.set(key, (old.current.get(key) ?? new Set()).add(id));
      timer.current ??= window.setTimeout(() => {
        timer.current = undefined;
        for (const [key, ids] of old.current) refresh(queries, [key], ids);
        old.current = new Map();
      }, GATHER_MS);
    },
  });

  useEffect(() => {
    if (state !== 'open') return;
    // What happened while the line was broken was not seen.
    if (opened.current) void queries.invalidateQueries();
    opened.current = true;
  }, [state, queries]);
  return state === 'open';
}

/** Whether changes are being heard of. */
export function useLive(): boolean {
  return useContext(LiveContext);
}

/** Call `listener` for every event while the component is shown. */
export function useEvents(listener: Listener): void {
  const current = useRef(listener);
  current.current = listener;
  useEffect(() => {
    const hear: Listener = (event) => current.current(event);
    listeners.add(hear);
    return () => {
      listeners.delete(hear);
    };
  }, []);
}
