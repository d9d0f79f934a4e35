import type { TFunction } from 'i18next';

type Words = (t: TFunction, parts: string[]) => string;

const AMOUNT = /^([\d.]+) (?:(cores?)|(GPU cards?)|(GiB) of (memory|GPU memory))$/;

/** `2 cores` or `4.0 GiB of memory`, as the scheduler writes them. */
function amount(t: TFunction, text = ''): string {
  const found = AMOUNT.exec(text);
  if (!found) return text;
  const [, number, cores, cards, unit, of] = found;
  if (cores) return t('common.waiting.cores', { amount: number });
  if (cards) return t('common.waiting.gpus', { amount: number });
  const size = `${number} ${unit}`;
  return of === 'memory' ? t('common.waiting.memory', { amount: size }) : t('common.waiting.gpuMemory', { amount: size });
}

/** `14:05 UTC` on the clock of who reads it. */
function clock(text = ''): string {
  const found = /^(\d\d):(\d\d) UTC$/.exec(text);
  if (!found) return text;
  const moment = new Date();
  moment.setUTCHours(Number(found[1]), Number(found[2]));
  return `${String(moment.getHours()).padStart(2, '0')}:${String(moment.getMinutes()).padStart(2, '0')}`;
}

/** The sentences that scheduler, trainer and serving write. */
const SENTENCES: [RegExp, Words][] = [
  [
    /^It waits for (\S+ .+): (\S+ .+) of (\S+ .+) are in use\.$/,
    (t, [needs, used, whole]) =>
      t('common.waiting.busy', { needs: amount(t, needs), used: amount(t, used), whole: amount(t, whole) }),
  ],
  [
    /^It needs (.+); the largest node has (.+)\.$/,
    (t, [needs, whole]) => t('common.waiting.tooLarge', { needs: amount(t, needs), whole: amount(t, whole) }),
  ],
  [
    /^It needs (.+); its project may use (.+) and has (.+)\.$/,
    (t, [needs, may, has]) =>
      t('common.waiting.quota', { needs: amount(t, needs), may: amount(t, may), has: amount(t, has) }),
  ],
  [/^No node has all that it needs together/, (t) => t('common.waiting.impossible')],
  [/^It waits until what it needs is free on one node\.$/, (t) => t('common.waiting.together')],
  [/^It is next: a node is kept for it and expected to be free at (.+)\.$/, (t, [at]) => t('common.waiting.next', { at: clock(at) })],
  [
    /^There is room, but it is kept for another that has waited longer, until (.+)\.$/,
    (t, [at]) => t('common.waiting.kept', { at: clock(at) }),
  ],
  [/^It waits for a node: none of the engine triton/, (t) => t('common.waiting.noTriton')],
  [/^It waits for a node: none of the engine/, (t) => t('common.waiting.noNode')],
  [/^(?:Its node .+|The node that ran it) went away; it /, (t) => t('common.waiting.nodeLost')],
  [/^The platform was restored from a backup/, (t) => t('common.waiting.restored')],
  [/^Waits for resources\.$/, (t) => t('common.waiting.resources')],
  [/^Waits for resources again/, (t) => t('common.waiting.lostResources')],
  [/^Triton does not answer/, (t) => t('common.waiting.tritonAway')],
  [/^Is loaded again: (.+)$/s, (t, [why]) => t('common.waiting.again', { why })],
];

/** Whether waiting will not help. */
export function isHopeless(reason: string): boolean {
  return /^It needs .+; the largest node has |^No node has all that it needs together/.test(reason);
}

/** Why something waits, in the language of the page; sentences that are not known stay as they are. */
export function waitingText(t: TFunction, reason: string): string {
  for (const [pattern, say] of SENTENCES) {
    const found = pattern.exec(reason);
    if (found) return say(t, found.slice(1));
  }
  return reason;
}
