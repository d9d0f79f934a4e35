import { expect, test } from 'vitest';

import { rowsOf } from './ParametersTable';

test('parameters become rows, whatever they hold', () => {
  expect(rowsOf('{"rate": 0.1, "mode": "fast", "sizes": [1, 2]}')).toEqual([
    { name: 'rate', value: '0.1' },
    { name: 'mode', value: 'fast' },
    { name: 'sizes', value: '[1,2]' },
  ]);
  expect(rowsOf('')).toEqual([]);
  expect(rowsOf('[1]')).toEqual([]);
});
