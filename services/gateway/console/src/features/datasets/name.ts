const MOST = 60;

export type NameRule = 'ruleStart' | 'ruleLetters' | 'ruleEnd' | 'ruleLength';

/** The rules for names of data sets (protos/dataset/v1/dataset.proto), and whether a name meets each. */
export function nameRules(name: string): Record<NameRule, boolean> {
  return {
    ruleStart: /^[A-Za-z]/.test(name),
    ruleLetters: /^[A-Za-z0-9_-]+$/.test(name),
    ruleEnd: /[A-Za-z0-9]$/.test(name),
    ruleLength: name.length > 0 && name.length <= MOST,
  };
}

export function nameFits(name: string): boolean {
  return Object.values(nameRules(name)).every(Boolean);
}
