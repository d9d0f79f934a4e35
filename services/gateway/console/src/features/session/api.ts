import { queryOptions, useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useNavigate } from 'react-router';

import { api, ask, csrfHeaders } from '@/api/client';
import { ApiError } from '@/api/errors';

const PATH = '/console/session';

export const currentUser = queryOptions({
  queryKey: ['user'],
  queryFn: () => ask(api.GET('/api/v1/users/current')),
  staleTime: 60_000,
});

export function useCurrentUser() {
  return useQuery(currentUser);
}

async function session(method: 'POST' | 'DELETE', body?: unknown): Promise<void> {
  let response: Response;
  try {
    response = await fetch(PATH, {
      method,
      headers: { 'Content-Type': 'application/json', ...csrfHeaders() },
      body: body === undefined ? null : JSON.stringify(body),
    });
  } catch {
    throw ApiError.unreachable();
  }
  if (!response.ok) throw await ApiError.of(response);
}

export interface Credentials {
  user_name: string;
  password: string;
}

export function useSignIn(next: string) {
  const queries = useQueryClient();
  const navigate = useNavigate();
  return useMutation({
    mutationFn: (given: Credentials) => session('POST', given),
    onSuccess: async () => {
      queries.clear();
      await navigate(next, { replace: true });
    },
  });
}

export function useSignOut() {
  const queries = useQueryClient();
  const navigate = useNavigate();
  return useMutation({
    mutationFn: () => session('DELETE'),
    onSettled: async () => {
      await navigate('/sign-in', { replace: true });
      queries.clear();
    },
  });
}
