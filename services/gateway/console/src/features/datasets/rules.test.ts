import { expect, test, vi } from 'vitest';

import { readText } from './content';
import { nameFits, nameRules } from './name';
import { importShare } from './progress';
import { Speed } from './speed';

test('names follow the rules of the proto', () => {
  const pattern = /^[A-Za-z]([A-Za-z0-9_-]*[A-Za-z0-9])?$/;
  for (const name of ['a', 'a1', 'a-b_c9', '', '1a', 'a-', 'a b', '中文', 'a_', '-a', 'a'.repeat(60), 'a'.repeat(61)]) {
    expect(nameFits(name), name).toBe(pattern.test(name) && name.length <= 60);
  }
  expect(nameRules('1a_')).toEqual({ ruleStart: false, ruleLetters: true, ruleEnd: false, ruleLength: true });
});

test('the share of an import grows over its phases', () => {
  const at = (phase: string, done: number) =>
    importShare({ phase, files_done: String(done), files_total: '10', bytes_done: '0' });
  const shares = [at('reading', 0), at('checking', 0), at('checking', 10), at('storing', 5), at('storing', 10)];
  expect([...shares].sort((one, other) => one - other)).toEqual(shares);
  expect(at('storing', 10)).toBe(1);
  expect(importShare(undefined)).toBe(0);
});

test('speed is that of the last seconds, without the time of a break', () => {
  let now = 0;
  const speed = new Speed(() => now);
  speed.note(1_000_000);
  expect(speed.perSecond).toBe(0);
  now = 1000;
  speed.note(1_002_000);
  expect(speed.perSecond).toBe(2000);
  speed.restart();
  now = 60_000;
  speed.note(1_002_000);
  now = 61_000;
  speed.note(1_007_000);
  expect(speed.perSecond).toBe(5000);
});

test('of a long text only the beginning is read, and no character is torn', async () => {
  vi.stubGlobal('fetch', () => Promise.resolve(new Response('数据集')));
  expect(await readText('/x')).toEqual({ text: '数据集', cut: false });
  expect(await readText('/x', undefined, 4)).toEqual({ text: '数', cut: true });
  vi.unstubAllGlobals();
});
