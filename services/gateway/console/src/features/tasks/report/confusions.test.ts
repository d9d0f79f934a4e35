import { expect, test } from 'vitest';

import type { Report } from '@/api/types';

import { confusionsOf } from './confusions';

test('the most frequent confusion comes first, with its share of the true class', () => {
  const report = {
    classes: ['cat', 'dog'],
    confusion_matrix: [{ counts: ['8', '2'] }, { counts: ['5', '5'] }],
  } as Report;
  expect(confusionsOf(report)).toEqual([
    { actual: 'dog', predicted: 'cat', count: 5, share: 0.5 },
    { actual: 'cat', predicted: 'dog', count: 2, share: 0.2 },
  ]);
});
