import type { TFunction } from 'i18next';

type Words = (t: TFunction, found: string[]) => string;

/** The sentences that the server writes when a service waits. Others are shown as they come. */
const SENTENCES: [RegExp, Words][] = [
  [/^It waits for a node: none of the engine (\S+) is there\.$/, (t, [engine]) => t('services.reasons.noNode', { engine })],
  [
    /^It needs (.+); the largest node has (.+)\.$/,
    (t, [need, most]) => t('services.reasons.tooLarge', { need: amount(t, need), most: amount(t, most) }),
  ],
  [/^No node has all that it needs together/, (t) => t('services.reasons.together')],
  [
    /^It waits for (.+): (.+) of (.+) are in use\.$/,
    (t, [need, used, whole]) =>
      t('services.reasons.busy', { need: amount(t, need), used: amount(t, used), whole: amount(t, whole) }),
  ],
  [/^It waits until what it needs is free on one node\.$/, (t) => t('services.reasons.oneNode')],
  [/^Waits for resources\.$/, (t) => t('services.reasons.resources')],
  [/^Waits for resources again/, (t) => t('services.reasons.lostResources')],
  [/^Triton does not answer/, (t) => t('services.reasons.tritonAway')],
  [/^Is loaded again: (.+)$/s, (t, [why]) => t('services.reasons.again', { why })],
];

const AMOUNTS: [RegExp, (t: TFunction, amount: string) => string][] = [
  [/^(\S+) cores?$/, (t, amount) => t('services.reasons.cores', { amount })],
  [/^(\S+) GPU cards?$/, (t, amount) => t('services.reasons.cards', { amount })],
  [/^(.+) of memory$/, (t, amount) => t('services.reasons.memory', { amount })],
  [/^(.+) of GPU memory$/, (t, amount) => t('services.reasons.gpuMemory', { amount })],
];

function amount(t: TFunction, text = ''): string {
  for (const [pattern, words] of AMOUNTS) {
    const found = pattern.exec(text);
    if (found) return words(t, found[1] ?? '');
  }
  return text;
}

/** Why a service waits, in the language of the page. */
export function waitingWords(t: TFunction, reason: string): string {
  for (const [pattern, words] of SENTENCES) {
    const found = pattern.exec(reason);
    if (found) return words(t, found.slice(1));
  }
  return reason;
}
