import { QueryCache, QueryClient } from '@tanstack/react-query';

import { ApiError } from './errors';

const TRIES = 3;

/** Signing in again is the only help for these. */
export function signedOut(error: unknown): boolean {
  return error instanceof ApiError && error.code === 401;
}

export function makeQueryClient(onSignedOut: () => void): QueryClient {
  const seen = (error: unknown) => {
    if (signedOut(error)) onSignedOut();
  };
  return new QueryClient({
    queryCache: new QueryCache({ onError: seen }),
    defaultOptions: {
      queries: {
        staleTime: 10_000,
        retry: (count, error) => count < TRIES && error instanceof ApiError && error.passing,
      },
      mutations: { onError: seen },
    },
  });
}
