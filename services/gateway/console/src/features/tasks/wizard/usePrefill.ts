import { useQuery } from '@tanstack/react-query';
import { useSearchParams } from 'react-router';

import { api, ask } from '@/api/client';
import type { Algorithm, Dataset, Task } from '@/api/types';

import { type Draft, draftLike, EMPTY, fits, purposeKey, withAlgorithm, withDataset } from './draft';

export interface Begun {
  draft: Draft;
  step: number;
}

/** What the address asks for: `?dataset=…&algorithm=…`, or `?like=…` for a copy of a task. */
export function useAddress() {
  const [params] = useSearchParams();
  const like = params.get('like') ?? '';
  const task = useQuery({
    queryKey: ['tasks', 'one', like],
    queryFn: async () => (await ask(api.GET('/api/v1/tasks/{id}', { params: { path: { id: like } } }))) as Task,
    enabled: like !== '',
    retry: false,
  });
  return {
    isPending: like !== '' && task.isPending,
    task: task.data,
    dataset: params.get('dataset') ?? '',
    algorithm: params.get('algorithm') ?? '',
  };
}

type Address = Pick<ReturnType<typeof useAddress>, 'task' | 'dataset' | 'algorithm'>;

/** The first draft, and the first step where something is left to choose. */
export function begin(address: Address, algorithms: Algorithm[], datasets: Dataset[]): Begun {
  const algorithm = algorithms.find(({ id }) => id === (address.task?.algorithm_id ?? address.algorithm));
  const dataset = datasets.find(({ id }) => id === (address.task?.dataset_id ?? address.dataset));
  if (address.task) {
    const draft = draftLike(address.task, algorithm, dataset);
    return { draft, step: !algorithm ? 1 : !dataset ? 2 : 3 };
  }
  let draft = EMPTY;
  if (dataset) {
    draft = withDataset(draft, dataset);
    const fitting = algorithms.filter((one) => fits(dataset, one));
    if (!algorithm && fitting.length === 1 && fitting[0]) draft = withAlgorithm(draft, fitting[0]);
  }
  if (algorithm) draft = withAlgorithm(draft, algorithm);
  if (!dataset && !algorithm) {
    const purposes = new Set(algorithms.map(purposeKey));
    return { draft: purposes.size === 1 ? { ...draft, purpose: [...purposes][0] ?? '' } : draft, step: 0 };
  }
  return { draft, step: draft.algorithm ? 2 : 1 };
}
