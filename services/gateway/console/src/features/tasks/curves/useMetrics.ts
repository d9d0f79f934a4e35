import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useEffect, useMemo, useRef } from 'react';

import { api, ask } from '@/api/client';
import { type StreamState, useStream } from '@/api/stream';
import type { MetricPoint, Task } from '@/api/types';

import { ACTIVE } from '../api';
import { merge, NO_POINTS, type Points } from './metrics';

const PAGE = 10_000;
const GATHER_MS = 300;

async function readAfter(id: string, known: Points): Promise<MetricPoint[]> {
  const read: MetricPoint[] = [];
  for (let after = known.last; ; ) {
    const query = { after: String(after), page_size: PAGE };
    const answer = await ask(api.GET('/api/v1/tasks/{id}/metrics', { params: { path: { id }, query } }));
    read.push(...answer.points);
    if (answer.points.length < PAGE) return read;
    after = Number(answer.last_index);
  }
}

/** The metric points of the current run: what there is, then what comes, for as long as the task is active. */
export function useMetrics(task: Task) {
  const queries = useQueryClient();
  const { id, run_number } = task;
  const active = ACTIVE.has(task.state);
  // Not under `tasks`: events of the task must not have all points read again.
  const key = useMemo(() => ['task-metrics', id, run_number], [id, run_number]);
  const known = () => queries.getQueryData<Points>(key) ?? NO_POINTS;
  const query = useQuery({
    queryKey: key,
    queryFn: async () => {
      const read = await readAfter(id, known());
      return merge(known(), read);
    },
    staleTime: 0,
    refetchOnWindowFocus: false,
  });

  const waiting = useRef<MetricPoint[]>([]);
  const timer = useRef<number>(undefined);
  const flush = () => {
    timer.current = undefined;
    const points = waiting.current.splice(0);
    queries.setQueryData<Points>(key, (before) => merge(before ?? NO_POINTS, points));
  };
  const from = useMemo(
    () => (active && query.isFetched ? Math.max(queries.getQueryData<Points>(key)?.last ?? 0, 0) : -1),
    [active, query.isFetched, key, queries],
  );
  const url = `/api/v1/tasks/${encodeURIComponent(id)}/metrics:watch`;
  const state: StreamState = useStream<MetricPoint>({
    url: from < 0 ? null : `${url}?after=${from}`,
    resume: (_, index) => `${url}?after=${index}`,
    onMessage: (point) => {
      waiting.current.push(point);
      timer.current ??= window.setTimeout(flush, GATHER_MS);
    },
  });

  const { refetch } = query;
  const wasActive = useRef(active);
  useEffect(() => {
    // The stream may have been cut off by the end of the task.
    if (wasActive.current && !active) void refetch();
    wasActive.current = active;
  }, [active, refetch]);
  useEffect(
    () => () => {
      window.clearTimeout(timer.current);
      timer.current = undefined;
      waiting.current = [];
    },
    [key],
  );
  return { query, points: query.data ?? NO_POINTS, streaming: from >= 0, broken: from >= 0 && state === 'broken' };
}
