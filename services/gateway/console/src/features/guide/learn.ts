import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useEffect, useRef } from 'react';

import type { Dataset } from '@/api/types';

import { learn } from './api';

/** Starts a task as soon as a data set is imported, once; after an error when it is asked to. */
export function useLearn(dataset: Dataset | undefined, title: string, onTask: (id: string) => void) {
  const queries = useQueryClient();
  const begun = useRef('');
  const { mutate, error } = useMutation({
    mutationFn: (ready: Dataset) => learn(ready, title),
    onSuccess: async (task) => {
      onTask(task.id);
      await queries.invalidateQueries({ queryKey: ['tasks'] });
    },
  });
  const ready = dataset?.state === 'STATE_IMPORTED' ? dataset : undefined;
  useEffect(() => {
    const key = ready && `${ready.id}/${ready.version?.number}`;
    if (!ready || !key || begun.current === key) return;
    begun.current = key;
    mutate(ready);
  }, [ready, mutate]);
  return { error: ready ? error : null, retry: () => ready && mutate(ready) };
}
