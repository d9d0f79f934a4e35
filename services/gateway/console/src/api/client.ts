import createClient from 'openapi-fetch';

import { ApiError } from './errors';
import type { Full } from './full';
import type { paths } from './schema';

const SAFE = new Set(['GET', 'HEAD', 'OPTIONS']);

/** The value of a cookie that scripts may read. */
export function cookie(name: string): string {
  const found = document.cookie.split('; ').find((pair) => pair.startsWith(`${name}=`));
  return found ? found.slice(name.length + 1) : '';
}

/** Proof, for the gateway, that a request comes from one of our pages. */
export function csrfHeaders(): Record<string, string> {
  return { 'X-CSRF-Token': cookie('modelyard_csrf') };
}

/** Typed by the OpenAPI document. Wrap calls in `ask`. */
export const api = createClient<paths>({ baseUrl: window.location.origin });

api.use({
  onRequest({ request }) {
    if (!SAFE.has(request.method)) {
      for (const [name, value] of Object.entries(csrfHeaders())) request.headers.set(name, value);
    }
    return request;
  },
  async onResponse({ response }) {
    if (!response.ok) throw await ApiError.of(response);
    return response;
  },
  onError() {
    return ApiError.unreachable();
  },
});

/** The answer of a call with all its fields, which the server always writes out. Throws ApiError. */
export async function ask<T>(call: Promise<{ data?: T }>): Promise<Full<T>> {
  return (await call).data as Full<T>;
}
