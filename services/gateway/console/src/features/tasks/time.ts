import { useEffect, useState } from 'react';

import type { Task } from '@/api/types';

/** The time, again every second while `running`. */
export function useNow(running: boolean): number {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    if (!running) return;
    setNow(Date.now());
    const timer = window.setInterval(() => setNow(Date.now()), 1000);
    return () => window.clearInterval(timer);
  }, [running]);
  return now;
}

/** Seconds from one moment to another, or to now; undefined before the first. */
export function secondsBetween(from: string | undefined, to: string | undefined, now: number): number | undefined {
  if (!from) return undefined;
  return ((to ? new Date(to).getTime() : now) - new Date(from).getTime()) / 1000;
}

/** How long the run has trained. */
export function trained(task: Task, now: number): number | undefined {
  return secondsBetween(task.started_at, task.ended_at, now);
}
