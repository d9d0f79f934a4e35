import { useSearchParams } from 'react-router';

import type { Kind } from './files';

const KEYS = ['kind', 'name', 'dataset', 'task', 'service'] as const;
const LAST = 'modelyard.guide';

/** How far somebody is; stands in the address, so that a reload or a return goes on. */
export interface Path {
  kind: Kind | '';
  name: string;
  dataset: string;
  task: string;
  service: string;
}

export function usePath(): [Path, (change: Partial<Path>) => void] {
  const [params, setParams] = useSearchParams();
  const kind = params.get('kind');
  const path: Path = {
    kind: kind === 'image' || kind === 'text' ? kind : '',
    name: params.get('name') ?? '',
    dataset: params.get('dataset') ?? '',
    task: params.get('task') ?? '',
    service: params.get('service') ?? '',
  };
  const change = (changed: Partial<Path>) => {
    setParams((before) => {
      const after = new URLSearchParams(before);
      for (const key of KEYS) {
        const value = changed[key];
        if (value) after.set(key, value);
        else if (value === '') after.delete(key);
      }
      if (after.get('dataset')) localStorage.setItem(LAST, after.toString());
      return after;
    });
  };
  return [path, change];
}

export const NOTHING: Path = { kind: '', name: '', dataset: '', task: '', service: '' };

/** Where somebody was before they left the guide; empty when nowhere. */
export function lastPath(): string {
  return localStorage.getItem(LAST) ?? '';
}

export function forgetPath(): void {
  localStorage.removeItem(LAST);
}
