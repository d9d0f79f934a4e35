import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { render, screen, waitFor, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { App } from 'antd';
import { MemoryRouter } from 'react-router';
import { expect, test, vi } from 'vitest';

import type { Service } from '@/api/types';

import { OnlineTest } from './OnlineTest';

const TEXT = { name: 'text', type: 'text', required: true, test_value: '中国队夺冠', description: '' };
const IMAGE = { name: 'image', type: 'image', required: true, test_value: '', description: '' };

/** The client keeps the `fetch` that it finds when it is loaded. */
const server = vi.hoisted(() => {
  const made = { answer: (_: Request): Promise<Response> => Promise.reject(new Error('nothing was asked for')) };
  globalThis.fetch = (request) => made.answer(request as Request);
  return made;
});

function show(service: Partial<Service>, parameters = [TEXT]) {
  const shown = { id: 'svc-1', state: 'STATE_RUNNING', interface: { parameters }, ...service } as Service;
  render(
    <App>
      <QueryClientProvider client={new QueryClient()}>
        <MemoryRouter>
          <OnlineTest service={shown} />
        </MemoryRouter>
      </QueryClientProvider>
    </App>,
  );
}

function answerWith(status: number, body: unknown) {
  const asked: { url: string; body: unknown }[] = [];
  server.answer = async (request) => {
    asked.push({ url: new URL(request.url).pathname, body: await request.json() });
    return Response.json(body, { status });
  };
  return asked;
}

function prediction(labels: string) {
  const probabilities = Object.fromEntries([...labels].map((label, at) => [`label-${label}`, (at + 1) / 100]));
  return { predictions: [{ label: 'the label', confidence: 0.42, probabilities }], model_number: '1.01' };
}

test('the test value is sent, and labels stand by probability with the rest folded away', async () => {
  const asked = answerWith(200, prediction('abcdefghijkl'));
  show({});
  await userEvent.click(screen.getByRole('button', { name: '开始预测' }));
  expect(await screen.findByRole('heading', { name: 'the label' })).toBeTruthy();
  expect(asked).toEqual([
    { url: '/api/v1/services/svc-1:predict', body: { instances: [{ inputs: { text: '中国队夺冠' } }] } },
  ]);
  const list = within(screen.getByRole('list', { name: '各类别的概率' }));
  const labels = () => list.getAllByRole('listitem').map((item) => item.textContent?.match(/label-[a-l]/)?.[0]);
  expect(labels()).toHaveLength(10);
  expect(labels()[0]).toBe('label-l');
  await userEvent.click(screen.getByRole('button', { name: '显示全部 12 个类别' }));
  expect(labels()).toHaveLength(12);
});

test('an image that was chosen goes as base64, and a file that is none is called so', async () => {
  const field = 'instances[0].inputs.image';
  const asked = answerWith(400, {
    error: {
      message: `${field}: is not a decodable image`,
      details: [{ reason: 'BAD_INPUT' }, { field_violations: [{ field, description: 'is not a decodable image' }] }],
    },
  });
  show({}, [IMAGE]);
  const input = document.querySelector('input[type=file]');
  await userEvent.upload(input as HTMLInputElement, new File(['hello'], 'a.png', { type: 'image/png' }));
  await screen.findByText('a.png');
  await userEvent.click(screen.getByRole('button', { name: '开始预测' }));
  expect((await screen.findByRole('alert')).textContent).toContain('这个文件不是完整的图片');
  expect(asked[0]?.body).toEqual({ instances: [{ inputs: { image: btoa('hello') } }] });
});

test('a service that is stopped cannot be asked, but started', async () => {
  const asked = answerWith(200, {});
  show({ state: 'STATE_STOPPED' });
  expect((screen.getByRole('button', { name: '开始预测' }) as HTMLButtonElement).disabled).toBe(true);
  await userEvent.click(screen.getByRole('button', { name: '启动服务' }));
  await waitFor(() => expect(asked).toEqual([{ url: '/api/v1/services/svc-1:start', body: { load: 1 } }]));
});
