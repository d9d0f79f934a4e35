import { expect, test } from 'vitest';

import type { MetricPoint } from '@/api/types';

import { arrange, figure, merge, nameOf, NO_POINTS, smooth } from './metrics';

function point(index: number, name: string, step: number, value: number): MetricPoint {
  return { index: String(index), name, step: String(step), value, time: '' };
}

test('points that were read before are not added twice, and what was drawn is not changed', () => {
  const first = merge(NO_POINTS, [point(1, 'loss', 1, 2), point(2, 'loss', 2, 1)]);
  const second = merge(first, [point(2, 'loss', 2, 1), point(3, 'loss', 3, 0.5)]);
  expect(second.curves.loss).toEqual({ name: 'loss', steps: [1, 2, 3], values: [2, 1, 0.5] });
  expect(second.last).toBe(3);
  expect(first.curves.loss?.values).toEqual([2, 1]);
  expect(merge(second, [point(3, 'loss', 3, 0.5)])).toBe(second);
});

test('training and validation of a metric share a chart, single values are figures', () => {
  const points = merge(NO_POINTS, [
    point(1, 'non_compliant', 0, 0),
    point(2, 'learning_rate', 1, 0.1),
    point(3, 'learning_rate', 2, 0.05),
    point(4, 'loss', 1, 2),
    point(5, 'loss', 2, 1),
    point(6, 'val_loss', 1, 2.2),
    point(7, 'val_loss', 2, 1.3),
  ]);
  const { families, figures } = arrange(points);
  expect(families.map(({ name, curves }) => [name, curves.map((curve) => curve.name)])).toEqual([
    ['loss', ['loss', 'val_loss']],
    ['learning_rate', ['learning_rate']],
  ]);
  expect(figures.map(({ name }) => name)).toEqual(['non_compliant']);
});

test.each([
  ['loss', 'loss', ''],
  ['train_loss', 'loss', 'train'],
  ['val/accuracy', 'accuracy', 'validation'],
  ['test_f1', 'f1', 'test'],
  ['valuation', 'valuation', ''],
])('%s is of the family %s', (metric, family, split) => {
  expect(nameOf(metric)).toEqual({ family, split });
});

test('smoothing begins at the first value and leaves gaps alone', () => {
  const smoothed = smooth([10, 0, NaN, 0], 0.5);
  expect(smoothed[0]).toBe(10);
  expect(smoothed[1]).toBeCloseTo(10 / 3);
  expect(smoothed[2]).toBeNaN();
  expect(smoothed[3]).toBeCloseTo(10 / 7);
});

test('figures are short', () => {
  expect([0, 17, 0.98857, 0.00001234, 1234567.5, undefined, NaN].map(figure)).toEqual([
    '0',
    '17',
    '0.9886',
    '1.23e-5',
    '1.23e+6',
    '–',
    '–',
  ]);
});
