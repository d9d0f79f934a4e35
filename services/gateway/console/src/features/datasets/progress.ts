import type { Dataset } from '@/api/types';

type ImportProgress = Dataset['import_progress'] | undefined;

/** Where each phase begins and ends in the whole of an import: reading tells no total, storing is like checking. */
const SHARES: Record<string, [number, number]> = { reading: [0, 0.1], checking: [0.1, 0.55], storing: [0.55, 1] };

/** How much of a running import is done, from 0 to 1. */
export function importShare(progress: ImportProgress): number {
  const [from, to] = SHARES[progress?.phase ?? ''] ?? [0, 0];
  const total = Number(progress?.files_total ?? 0);
  return total ? from + (to - from) * Math.min(Number(progress?.files_done) / total, 1) : from;
}
