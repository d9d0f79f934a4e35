import { useTranslation } from 'react-i18next';

import type zh from '@/i18n/zh/tasks';

type Words = (key: keyof typeof zh.waiting, values?: Record<string, string | undefined>) => string;

const AMOUNT = /^([\d.]+) (?:(cores?)|(GPU cards?)|(GiB) of (memory|GPU memory))$/;

/** `2 cores` or `4.0 GiB of memory`, as the scheduler writes them. */
function amount(t: Words, text: string): string {
  const found = AMOUNT.exec(text);
  if (!found) return text;
  const [, number, cores, cards, unit, of] = found;
  if (cores) return t('cores', { amount: number });
  if (cards) return t('gpus', { amount: number });
  const size = `${number} ${unit}`;
  return of === 'memory' ? t('memory', { amount: size }) : t('gpuMemory', { amount: size });
}

const SENTENCES: [RegExp, (t: Words, parts: string[]) => string][] = [
  [
    /^It waits for (\S+ .+): (\S+ .+) of (\S+ .+) are in use\.$/,
    (t, [needs = '', used = '', whole = '']) =>
      t('busy', { needs: amount(t, needs), used: amount(t, used), whole: amount(t, whole) }),
  ],
  [
    /^It needs (.+); the largest node has (.+)\.$/,
    (t, [needs = '', whole = '']) => t('tooLarge', { needs: amount(t, needs), whole: amount(t, whole) }),
  ],
  [/^No node has all that it needs together/, (t) => t('impossible')],
  [/^It waits until what it needs is free on one node\.$/, (t) => t('together')],
  [/^It waits for a node: none of the engine/, (t) => t('noNode')],
  [/^(?:Its node .+|The node that ran it) went away; it /, (t) => t('nodeLost')],
  [/^The platform was restored from a backup/, (t) => t('restored')],
];

/** Whether waiting will not help. */
export function isHopeless(reason: string): boolean {
  return /^It needs .+; the largest node has |^No node has all that it needs together/.test(reason);
}

/** Why a task waits, in the language of the page; sentences that are not known stay as they are. */
export function useWaitingText(): (reason: string) => string {
  const { t: translate } = useTranslation();
  const t: Words = (key, values) => translate(`tasks.waiting.${key}`, values ?? {});
  return (reason) => {
    if (!reason) return t('unknown');
    for (const [pattern, say] of SENTENCES) {
      const found = pattern.exec(reason);
      if (found) return say(t, found.slice(1));
    }
    return reason;
  };
}
