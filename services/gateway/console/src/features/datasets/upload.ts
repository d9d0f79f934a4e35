import type { DetailedError, Upload } from 'tus-js-client';

import { csrfHeaders } from '@/api/client';
import { ApiError } from '@/api/errors';

const CHUNK = 16 * 1024 * 1024;
const RETRIES_MS = [500, 1000, 2000, 4000, 8000, 15_000, 15_000, 30_000, 30_000, 60_000];

interface Watcher {
  onProgress: (sent: number, total: number) => void;
  /** The line is broken, and what is left is sent when it is back. */
  onInterrupted?: (interrupted: boolean) => void;
}

export interface Running {
  /** Identifier of the finished upload. */
  done: Promise<string>;
  /** Stop for now; the same file goes on where it stopped. */
  cancel: () => void;
}

/** Send a file in pieces (tus). After a broken line, or in a new visit to the page, the same file goes on. */
export function startUpload(file: File, { onProgress, onInterrupted }: Watcher): Running {
  let upload: Upload | undefined;
  let cancelled = false;
  const send = async (resolve: (id: string) => void, reject: (error: ApiError) => void) => {
    const { Upload: Tus } = await import('tus-js-client');
    upload = new Tus(file, {
      endpoint: '/api/v1/uploads',
      chunkSize: CHUNK,
      retryDelays: RETRIES_MS,
      metadata: { filename: file.name },
      removeFingerprintOnSuccess: true,
      onBeforeRequest: (request) => {
        for (const [name, value] of Object.entries(csrfHeaders())) request.setHeader(name, value);
      },
      onShouldRetry: (error) => {
        const status = responseOf(error)?.getStatus() ?? 0;
        const passing = status === 0 || status === 409 || status === 423 || status === 429 || status >= 500;
        if (passing) onInterrupted?.(true);
        return passing;
      },
      onProgress: (sent, total) => onProgress(sent, total ?? file.size),
      onChunkComplete: () => onInterrupted?.(false),
      onError: (error) => reject(uploadError(error)),
      onSuccess: () => resolve(upload?.url?.split('/').pop() ?? ''),
    });
    const [last] = await upload.findPreviousUploads();
    if (last) upload.resumeFromPreviousUpload(last);
    if (!cancelled) upload.start();
  };
  const done = new Promise<string>((resolve, reject) => {
    send(resolve, reject).catch(() => reject(ApiError.unreachable()));
  });
  const cancel = () => {
    cancelled = true;
    void upload?.abort();
  };
  return { done, cancel };
}

function responseOf(error: Error) {
  return (error as Partial<DetailedError>).originalResponse ?? null;
}

function uploadError(error: Error): ApiError {
  const response = responseOf(error);
  if (!response) return ApiError.unreachable();
  const body = readBody(response.getBody());
  return new ApiError(
    body.error?.message ?? error.message,
    response.getStatus(),
    body.error?.details?.find((detail) => detail.reason)?.reason ?? '',
  );
}

interface Body {
  error?: { message?: string; details?: { reason?: string }[] };
}

/** A proxy on the way may answer with a page of its own. */
function readBody(text: string): Body {
  try {
    return JSON.parse(text) as Body;
  } catch {
    return {};
  }
}
