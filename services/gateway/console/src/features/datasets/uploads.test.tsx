import { act, render, screen, waitFor } from '@testing-library/react';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';

import { ApiError } from '@/api/errors';

import { startUpload } from './upload';
import { cancelTransfer, retryTransfer, startTransfer, useTransfer } from './uploads';

vi.mock('./upload', () => ({ startUpload: vi.fn() }));
/** The client keeps the `fetch` that was there when it was made. */
const line = vi.hoisted(() => {
  const kept = { answer: (): Response => Response.json({}), requests: [] as Request[] };
  globalThis.fetch = (request) => {
    kept.requests.push(request as Request);
    return Promise.resolve(kept.answer());
  };
  return kept;
});
const starts = vi.mocked(startUpload);

interface Sent {
  name: string;
  watcher: Parameters<typeof startUpload>[1];
  finish: (id: string) => void;
  fail: (error: unknown) => void;
  cancel: ReturnType<typeof vi.fn<() => void>>;
}

let sent: Sent[];

beforeEach(() => {
  sent = [];
  line.requests = [];
  line.answer = () => Response.json({});
  starts.mockImplementation((file, watcher) => {
    const cancel = vi.fn<() => void>();
    const done = new Promise<string>((finish, fail) => sent.push({ name: file.name, watcher, finish, fail, cancel }));
    return { done, cancel };
  });
});

afterEach(() => {
  act(() => cancelTransfer('ds-1'));
  vi.useRealTimers();
});

const FILE = new File(['0123456789'], 'train.zip');
const TEST = new File(['0123456789'], 'test.zip');

function Shown() {
  const transfer = useTransfer('ds-1');
  const parts = transfer?.parts.map((part) => `${part.role}:${part.sent}${part.interrupted ? '!' : ''}`).join(' ');
  return <p role="status">{transfer ? `${transfer.phase} ${parts}` : 'none'}</p>;
}

const shown = () => screen.getByRole('status').textContent;
const becomes = (text: string) => waitFor(() => expect(shown()).toBe(text));

/** Whether the browser would ask before the page is left. */
function held(): boolean {
  const event = new Event('beforeunload', { cancelable: true });
  window.dispatchEvent(event);
  return event.defaultPrevented;
}

test('both archives are sent one after the other, then imported together', async () => {
  render(<Shown />);
  const onImport = vi.fn();
  act(() => startTransfer('ds-1', { train: FILE, test: TEST }, onImport));
  expect(sent.map((one) => one.name)).toEqual(['train.zip']);
  expect(held()).toBe(true);
  act(() => sent[0]?.watcher.onProgress(4, 10));
  expect(shown()).toBe('sending train:4 test:0');
  sent[0]?.finish('up-1');
  await waitFor(() => expect(sent.map((one) => one.name)).toEqual(['train.zip', 'test.zip']));
  sent[1]?.finish('up-2');
  await becomes('none');
  expect(line.requests.map((one) => new URL(one.url).pathname)).toEqual(['/api/v1/datasets/ds-1:import']);
  expect(await line.requests[0]?.json()).toEqual({ upload_id: 'up-1', test_upload_id: 'up-2' });
  expect(onImport).toHaveBeenCalledOnce();
  expect(held()).toBe(false);
});

test('a broken line is told, and its end too', () => {
  render(<Shown />);
  act(() => startTransfer('ds-1', { train: FILE }, vi.fn()));
  act(() => sent[0]?.watcher.onProgress(4, 10));
  act(() => sent[0]?.watcher.onInterrupted?.(true));
  expect(shown()).toBe('sending train:4!');
  act(() => sent[0]?.watcher.onProgress(10, 10));
  expect(shown()).toBe('sending train:10');
});

test('while the server cannot be reached the upload is tried again by itself', async () => {
  vi.useFakeTimers();
  render(<Shown />);
  act(() => startTransfer('ds-1', { train: FILE }, vi.fn()));
  sent[0]?.fail(ApiError.unreachable());
  await act(() => vi.advanceTimersByTimeAsync(1000));
  expect(shown()).toBe('sending train:0!');
  await act(() => vi.advanceTimersByTimeAsync(20_000));
  expect(sent.length).toBe(2);
});

test('what has arrived is not sent again after a refused import', async () => {
  render(<Shown />);
  line.answer = () => Response.json({ error: { message: 'no' } }, { status: 400 });
  act(() => startTransfer('ds-1', { train: FILE }, vi.fn()));
  sent[0]?.finish('up-1');
  await becomes('failed train:10');
  expect(held()).toBe(false);
  line.answer = () => Response.json({});
  act(() => retryTransfer('ds-1', vi.fn()));
  await becomes('none');
  expect(sent.length).toBe(1);
  expect(line.requests.length).toBe(2);
});

test('a cancelled upload stops and imports nothing', async () => {
  render(<Shown />);
  act(() => startTransfer('ds-1', { train: FILE }, vi.fn()));
  act(() => cancelTransfer('ds-1'));
  expect(sent[0]?.cancel).toHaveBeenCalledOnce();
  sent[0]?.finish('up-1');
  await act(() => Promise.resolve());
  expect(line.requests).toEqual([]);
  expect(shown()).toBe('none');
});
