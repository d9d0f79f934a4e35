import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { render, screen } from '@testing-library/react';
import { App } from 'antd';
import { MemoryRouter } from 'react-router';
import { expect, test, vi } from 'vitest';

import type { Model } from '@/api/types';

import { DeleteModelModal } from './DeleteModelModal';

const SERVICE = { id: 'svc-1', name: 'mine', model_id: 'model-1', model_number: '1.02', state: 'STATE_RUNNING' };

/** The client keeps the `fetch` that it finds when it is loaded. */
const server = vi.hoisted(() => {
  const made = { answer: (_: Request): Response => Response.error() };
  globalThis.fetch = async (request) => made.answer(request as Request);
  return made;
});

test('who uses a model is said before it is deleted, from all pages of the list', async () => {
  server.answer = (request) => {
    const last = new URL(request.url).searchParams.get('page_token') === 'more';
    const other = { ...SERVICE, id: 'svc-2', name: 'other', model_id: 'model-2' };
    return Response.json({ services: [last ? SERVICE : other], next_page_token: last ? '' : 'more', total_size: '2' });
  };
  render(
    <App>
      <QueryClientProvider client={new QueryClient()}>
        <MemoryRouter>
          <DeleteModelModal model={{ id: 'model-1', name: 'digits', version_count: 2 } as Model} onClose={() => {}} />
        </MemoryRouter>
      </QueryClientProvider>
    </App>,
  );
  expect((await screen.findByRole('link', { name: 'mine' })).getAttribute('href')).toBe('/services/svc-1');
  expect(screen.queryByText('other')).toBeNull();
});
