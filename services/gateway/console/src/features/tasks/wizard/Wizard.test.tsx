import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { render, screen, waitFor } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { App } from 'antd';
import { MemoryRouter, Route, Routes } from 'react-router';
import { beforeEach, expect, test, vi } from 'vitest';

import type { Algorithm, Dataset } from '@/api/types';

import { begin } from './usePrefill';
import { Wizard } from './Wizard';

// The client keeps the `fetch` that it finds when it is made.
const sent = vi.hoisted(() => {
  const stub = vi.fn<typeof fetch>();
  globalThis.fetch = stub;
  return stub;
});

vi.setConfig({ testTimeout: 60_000 });

const IMAGES = { level1: 'image', level2: 'classification' };
const TEXTS = { level1: 'text', level2: 'classification' };
const SCHEMA = { type: 'object', properties: { epochs: { type: 'integer', minimum: 1, default: 8 } } };

function algorithm(id: string, purpose = IMAGES): Algorithm {
  const training = { device: 'DEVICE_CPU', parameters_schema: JSON.stringify(SCHEMA) };
  return {
    id,
    name: id,
    title: {},
    description: '',
    purpose,
    data_formats: ['dir'],
    visibility: 'VISIBILITY_PRESET',
    major_version: 1,
    training,
  } as unknown as Algorithm;
}

function dataset(id: string, more: object = {}): Dataset {
  const version = { number: 1, train_samples: '100', test_samples: '0', classes: [] };
  return {
    id,
    name: id,
    purpose: IMAGES,
    format: 'dir',
    test_set_mode: 'TEST_SET_MODE_RATIO',
    version,
    ...more,
  } as unknown as Dataset;
}

const ALGORITHMS = [algorithm('cnn'), algorithm('bayes', TEXTS)];
const DATASETS = [
  dataset('digits'),
  dataset('boxes', { format: 'json' }),
  dataset('owntest', { test_set_mode: 'TEST_SET_MODE_INDEPENDENT' }),
  dataset('titles', { purpose: TEXTS }),
];

function show(address: { dataset?: string; algorithm?: string } = {}) {
  const begun = begin({ task: undefined, dataset: '', algorithm: '', ...address }, ALGORITHMS, DATASETS);
  return render(
    <App>
      <QueryClientProvider client={new QueryClient()}>
        <MemoryRouter initialEntries={['/new']}>
          <Routes>
            <Route path="/new" element={<Wizard begun={begun} algorithms={ALGORITHMS} datasets={DATASETS} />} />
            <Route path="/tasks/:id" element={<p>{'→'}</p>} />
          </Routes>
        </MemoryRouter>
      </QueryClientProvider>
    </App>,
  );
}

beforeEach(() => void sent.mockReset());

test('a step that is not done holds one back, and says what is missing', async () => {
  show();
  await userEvent.click(screen.getByRole('button', { name: '下一步' }));
  expect(screen.getByRole('alert').textContent).toBe('请选择用途。');
});

test('only data sets that fit purpose and format are offered, and the choice stays when one goes back', async () => {
  show({ algorithm: 'cnn' });
  expect(await screen.findByText('digits')).toBeTruthy();
  expect(screen.queryByText('boxes')).toBeNull();
  expect(screen.queryByText('titles')).toBeNull();
  await userEvent.click(screen.getByText('owntest'));
  expect(screen.getByText(/自带测试集/)).toBeTruthy();
  await userEvent.click(screen.getByRole('button', { name: '上一步' }));
  await userEvent.click(screen.getByRole('button', { name: '下一步' }));
  expect((screen.getByRole('radio', { name: 'owntest' }) as HTMLInputElement).checked).toBe(true);
});

test.each([
  ['digits', 0.9],
  ['owntest', 0],
])('a task of %s is sent with the share %d, and begun', async (id, share) => {
  sent.mockImplementation(() => Promise.resolve(Response.json({ id: '1', name: id })));
  show({ dataset: id });
  for (let step = 0; step < 2; step += 1) await userEvent.click(screen.getByRole('button', { name: '下一步' }));
  await userEvent.click(screen.getByRole('button', { name: '保存并开始训练' }));
  await waitFor(() => expect(screen.getByText('→')).toBeTruthy());
  const request = sent.mock.calls[0]?.[0] as Request;
  expect(request.url).toContain('start=true');
  expect(await request.json()).toMatchObject({
    name: id,
    dataset_id: id,
    algorithm_id: 'cnn',
    train_share: share,
    parameters: '{"epochs":8}',
    resources: { cpu_millis: '1000', memory_bytes: String(2 * 1024 ** 3), gpu_millis: '0' },
    time_limit_s: '86400',
  });
});
