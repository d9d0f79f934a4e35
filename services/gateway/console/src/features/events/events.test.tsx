import { act, renderHook } from '@testing-library/react';
import { expect, test, vi } from 'vitest';

import type { PlatformEvent } from '@/api/types';

import { isOf, KEPT, useEventLog } from './log';
import { nameOf, pageOf } from './subject';

let opened: FakeSource[] = [];

class FakeSource {
  onmessage: ((event: { data: string; lastEventId: string }) => void) | null = null;
  onopen: (() => void) | null = null;
  constructor(readonly url: string) {
    opened.push(this);
  }
  addEventListener() {}
  close() {}
  tell(from: number, to: number) {
    for (let at = from; at <= to; at += 1) {
      this.onmessage?.({ data: JSON.stringify({ id: `ev-${at}`, cursor: String(at), type: 'task.created' }), lastEventId: String(at) });
    }
  }
}

function event(type: string, subject = '', data = '{}'): PlatformEvent {
  return { type, subject, data } as PlatformEvent;
}

test('subjects lead to the pages of what they are about', () => {
  expect(pageOf('dataset/ds-1')).toBe('/datasets/ds-1');
  expect(pageOf('run/task-01m8-2')).toBe('/tasks/task-01m8');
  expect(pageOf('service/svc-1/3')).toBe('/services/svc-1');
  expect(pageOf('workload/wl-1')).toBe('');
  expect(nameOf(event('task.created', 'task/t', '{"task":{"name":"<b>x</b>"}}'))).toBe('<b>x</b>');
  expect(nameOf(event('task.created', 'task/t', 'no json'))).toBe('');
});

test('a filter takes one type or all of one resource', () => {
  expect(isOf(event('dataset.onlined'), 'dataset.*')).toBe(true);
  expect(isOf(event('datasets.onlined'), 'dataset.*')).toBe(false);
  expect(isOf(event('task.created'), 'task.failed')).toBe(false);
  expect(isOf(event('task.created'), '')).toBe(true);
});

test('history comes newest first, waits while paused, and never fills the memory', () => {
  vi.useFakeTimers();
  vi.stubGlobal('EventSource', FakeSource);
  opened = [];
  const { result, rerender } = renderHook(({ paused }) => useEventLog('start', 'task.*', paused), {
    initialProps: { paused: false },
  });
  const [source] = opened;
  expect(source?.url).toBe('/api/v1/events?cursor=0&types=task.*');

  const pass = () => act(() => vi.advanceTimersByTime(300));
  source?.tell(1, 3);
  pass();
  expect(result.current.events.map(({ cursor }) => cursor)).toEqual(['3', '2', '1']);

  rerender({ paused: true });
  source?.tell(4, 5);
  pass();
  expect(result.current.held).toBe(2);
  expect(result.current.events.length).toBe(3);

  rerender({ paused: false });
  expect(result.current.events[0]?.cursor).toBe('5');

  source?.tell(6, KEPT + 100);
  pass();
  expect(result.current.events.length).toBe(KEPT);
  expect(result.current.events[0]?.cursor).toBe(String(KEPT + 100));
  vi.unstubAllGlobals();
  vi.useRealTimers();
});
