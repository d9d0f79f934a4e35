import { useCallback, useEffect, useRef, useState } from 'react';

import { useEvents } from '@/api/live';
import { type StreamState, useStream } from '@/api/stream';
import type { PlatformEvent } from '@/api/types';

/** So many events are kept, the newest ones. */
export const KEPT = 5000;
const GATHER_MS = 200;

export type From = 'now' | 'start';

/** Whether an event is of a type, or of `dataset.*`; the empty filter takes all. */
export function isOf(event: PlatformEvent, type: string): boolean {
  if (!type) return true;
  return type.endsWith('.*') ? event.type.startsWith(type.slice(0, -1)) : event.type === type;
}

function address(cursor: string, type: string): string {
  const query = new URLSearchParams({ cursor });
  if (type) query.append('types', type);
  return `/api/v1/events?${query.toString()}`;
}

interface Log {
  /** Newest first. */
  events: PlatformEvent[];
  /** How many came since the pause. */
  held: number;
  /** Of the page's own stream; null while the frame's is heard. */
  stream: StreamState | null;
}

/** Events as they come: from now on by the frame's stream, or from the oldest kept by one of our own. */
export function useEventLog(from: From, type: string, paused: boolean): Log {
  const [events, setEvents] = useState<PlatformEvent[]>([]);
  const [held, setHeld] = useState(0);
  const fresh = useRef<PlatformEvent[]>([]);
  const timer = useRef<number>(undefined);
  const stopped = useRef(paused);
  stopped.current = paused;

  const show = useCallback(() => {
    timer.current = undefined;
    if (stopped.current) {
      setHeld(fresh.current.length);
      return;
    }
    const came = fresh.current.reverse();
    fresh.current = [];
    setHeld(0);
    if (came.length) setEvents((before) => [...came, ...before].slice(0, KEPT));
  }, []);

  const add = (event: PlatformEvent) => {
    fresh.current.push(event);
    if (fresh.current.length > KEPT) fresh.current.shift();
    timer.current ??= window.setTimeout(show, GATHER_MS);
  };

  useEffect(() => () => window.clearTimeout(timer.current), []);
  useEffect(() => {
    if (!paused) show();
  }, [paused, show]);
  useEffect(() => {
    fresh.current = [];
    setEvents([]);
    setHeld(0);
  }, [from, type]);

  useEvents((event) => {
    if (from === 'now' && isOf(event, type)) add(event);
  });
  const stream = useStream<PlatformEvent>({
    url: from === 'start' ? address('0', type) : null,
    resume: (_, id) => address(id, type),
    onMessage: add,
  });
  return { events, held, stream: from === 'start' ? stream : null };
}
