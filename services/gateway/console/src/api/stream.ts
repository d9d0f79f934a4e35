import { useEffect, useRef, useState } from 'react';

const FIRST_RETRY_MS = 1000;
const LONGEST_RETRY_MS = 15_000;

export type StreamState = 'connecting' | 'open' | 'broken' | 'ended';

interface Options<T> {
  /** Nothing is opened while this is null. */
  url: string | null;
  onMessage: (message: T) => void;
  /** The URL that goes on after the last message, where the stream can be resumed. */
  resume?: (url: string, lastId: string) => string;
}

/**
 * Server-sent events for as long as the page is visible: a browser opens six connections to a server at most, over all
 * its tabs, so hidden tabs must hold none. A lost connection is opened again after a moment.
 */
export function useStream<T>({ url, onMessage, resume }: Options<T>): StreamState {
  const [state, setState] = useState<StreamState>('connecting');
  const handlers = useRef({ onMessage, resume });
  handlers.current = { onMessage, resume };

  useEffect(() => {
    if (url === null) return;
    let source: EventSource | null = null;
    let timer: number | undefined;
    let retry = FIRST_RETRY_MS;
    let lastId = '';
    let ended = false;

    const close = () => {
      window.clearTimeout(timer);
      source?.close();
      source = null;
    };
    const open = () => {
      if (source || ended || document.hidden) return;
      const from = lastId && handlers.current.resume ? handlers.current.resume(url, lastId) : url;
      source = new EventSource(from);
      source.onopen = () => {
        retry = FIRST_RETRY_MS;
        setState('open');
      };
      source.onmessage = (event: MessageEvent<string>) => {
        lastId = event.lastEventId || lastId;
        handlers.current.onMessage(JSON.parse(event.data) as T);
      };
      source.addEventListener('end', () => {
        ended = true;
        close();
        setState('ended');
      });
      source.onerror = () => {
        close();
        setState('broken');
        timer = window.setTimeout(open, retry);
        retry = Math.min(retry * 2, LONGEST_RETRY_MS);
      };
    };
    const seen = () => (document.hidden ? close() : open());

    document.addEventListener('visibilitychange', seen);
    setState('connecting');
    open();
    return () => {
      document.removeEventListener('visibilitychange', seen);
      close();
    };
  }, [url]);
  return state;
}
