import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { render, screen } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { App } from 'antd';
import { MemoryRouter } from 'react-router';
import { expect, test, vi } from 'vitest';

import { milliseconds, timeText } from './figures';
import { Traffic } from './Traffic';

/** The client keeps the `fetch` that it finds when it is loaded. */
const server = vi.hoisted(() => {
  const made = { asked: [] as string[], total: {} };
  globalThis.fetch = (request) => {
    made.asked.push(new URL((request as Request).url).search);
    const point = { start: '2026-11-26T10:00:00Z', answered: '0', refused: '0', failed: '0', p50_ms: 0, p95_ms: 0, p99_ms: 0 };
    return Promise.resolve(Response.json({ points: [point], step_s: 60, total: { ...point, ...made.total } }));
  };
  return made;
});

function show() {
  render(
    <App>
      <QueryClientProvider client={new QueryClient()}>
        <MemoryRouter>
          <Traffic serviceId="svc-1" />
        </MemoryRouter>
      </QueryClientProvider>
    </App>,
  );
}

test('without requests it is said how to make some', async () => {
  server.total = {};
  show();
  expect(await screen.findByText(/这段时间没有调用/)).toBeTruthy();
});

test('requests, errors and latency of the chosen time', async () => {
  server.total = { answered: '1996', refused: '3', failed: '1', p50_ms: 8.123, p95_ms: 1234.5, p99_ms: 2000 };
  show();
  expect(await screen.findByText('2,000')).toBeTruthy();
  expect(screen.getByText('0.2 %')).toBeTruthy();
  expect(screen.getByText('8.1 毫秒')).toBeTruthy();
  expect(screen.getByText('1,235 毫秒')).toBeTruthy();
  expect(screen.getByRole('img', { name: '调用次数：成功 1996，请求有误 3，服务出错 1' })).toBeTruthy();
  await userEvent.click(screen.getByText('最近 7 天'));
  expect(server.asked.at(-1)).toBe(`?window_s=${7 * 86_400}&points=84`);
});

test('figures have the digits that are meant', () => {
  expect([0.5, 9.96, 10.4, 12345].map(milliseconds)).toEqual(['0.50', '10', '10', '12,345']);
  expect(timeText('2026-11-26T10:05:00Z', 'en', false)).toMatch(/^\d\d:\d\d$/);
  expect(timeText('2026-11-26T10:05:00Z', 'zh', true)).toMatch(/^11\D26\D/);
});
