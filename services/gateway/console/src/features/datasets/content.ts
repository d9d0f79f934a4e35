import { useQuery } from '@tanstack/react-query';

import { ApiError } from '@/api/errors';

import { contentUrl } from './api';

const MOST_BYTES = 2 ** 20;

interface Text {
  text: string;
  /** Whether there is more of it. */
  cut: boolean;
}

/** The beginning of a text sample; of a longer one only that much is read over the line. */
export function useText(datasetId: string, path: string) {
  return useQuery({
    queryKey: ['samples', datasetId, 'text', path],
    queryFn: ({ signal }) => readText(contentUrl(datasetId, path), signal),
  });
}

export async function readText(url: string, signal?: AbortSignal, most = MOST_BYTES): Promise<Text> {
  let response: Response;
  try {
    response = await fetch(url, signal ? { signal } : {});
  } catch {
    throw ApiError.unreachable();
  }
  if (!response.ok) throw await ApiError.of(response);
  const reader = response.body?.getReader();
  const decoder = new TextDecoder();
  let [text, size] = ['', 0];
  for (;;) {
    const piece = await reader?.read();
    if (!piece || piece.done) return { text: text + decoder.decode(), cut: false };
    const room = most - size;
    // `stream` keeps a character that is cut in two for the next piece.
    text += decoder.decode(piece.value.subarray(0, room), { stream: true });
    size += piece.value.length;
    if (size > most) {
      await reader?.cancel();
      return { text, cut: true };
    }
  }
}
