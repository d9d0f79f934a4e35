import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useEffect, useRef, useState } from 'react';

import { type Running, startUpload } from '@/features/datasets/upload';

import { createDataset, importUpload } from './api';
import { type Class, type Kind, total } from './files';
import { datasetName } from './names';
import type { Standing } from './stages';
import { pack } from './zip';

/** Samples as they were sorted here, or an archive that goes as it is. */
export type Picked = { classes: Class[] } | { archive: File };

export interface Job {
  picked: Picked;
  kind: Kind;
  title: string;
  /** A data set that was made before and lacks its samples. */
  dataset: string;
}

/** What has been done of a job, so that it goes on there when it is tried again. */
interface Done {
  job: Job;
  archive?: File;
  upload?: string;
  dataset?: string;
}

/** Packs and sends the samples, makes the data set and starts the import. */
export function useRun(onImporting: (dataset: string) => void) {
  const queries = useQueryClient();
  const [standing, setStanding] = useState<Standing>({ stage: 'pack', fraction: 0 });
  const [interrupted, setInterrupted] = useState(false);
  const running = useRef<Running>(undefined);
  const done = useRef<Done>(undefined);

  const work = useMutation({
    mutationFn: async (job: Job) => {
      const state = (done.current?.job === job ? done.current : undefined) ?? { job };
      done.current = state;
      const { picked, kind, title } = job;
      const name = datasetName(title, kind, new Date());

      setStanding({ stage: 'pack', fraction: 0 });
      state.archive ??= 'archive' in picked ? picked.archive : await packed(picked.classes, job, setStanding);
      setStanding({ stage: 'upload', fraction: 0 });
      if (!state.upload) {
        running.current = startUpload(state.archive, {
          onProgress: (sent, size) => setStanding({ stage: 'upload', fraction: size ? sent / size : 0 }),
          onInterrupted: setInterrupted,
        });
        state.upload = await running.current.done;
      }
      state.dataset ??= job.dataset || (await createDataset({ name, title, kind })).id;
      await importUpload(state.dataset, state.upload);
      return state.dataset;
    },
    onSuccess: async (dataset) => {
      await queries.invalidateQueries({ queryKey: ['datasets'] });
      onImporting(dataset);
    },
  });

  useEffect(() => () => running.current?.cancel(), []);
  const { isPending } = work;
  useEffect(() => {
    if (!isPending) return;
    const ask = (event: BeforeUnloadEvent) => event.preventDefault();
    window.addEventListener('beforeunload', ask);
    return () => window.removeEventListener('beforeunload', ask);
  }, [isPending]);

  return {
    start: work.mutate,
    retry: () => {
      if (done.current) work.mutate(done.current.job);
    },
    reset: () => {
      done.current = undefined;
      work.reset();
    },
    /** The job that was done last, for its samples. */
    job: () => done.current?.job,
    pending: isPending,
    error: work.error,
    standing,
    interrupted,
  };
}

function packed(classes: Class[], { title, kind }: Job, onStanding: (standing: Standing) => void): Promise<File> {
  const all = total(classes);
  let shown = 0;
  return pack(classes, {
    name: title,
    smaller: kind === 'text',
    onProgress: (count) => {
      const fraction = count / all;
      if (fraction - shown < 0.01 && count < all) return;
      shown = fraction;
      onStanding({ stage: 'pack', fraction });
    },
  });
}
