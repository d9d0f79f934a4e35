import { expect, test } from 'vitest';

import { append, clean, find, NO_LINES } from './lines';

test('a line that comes in pieces is one line', () => {
  let lines = append(NO_LINES, 'epoch 1\nepo');
  lines = append(lines, 'ch 2');
  expect(lines).toEqual({ dropped: 0, kept: ['epoch 1', 'epoch 2'], open: true });
  lines = append(lines, '\n\nend\n');
  expect(lines).toEqual({ dropped: 0, kept: ['epoch 1', 'epoch 2', '', 'end'], open: false });
});

test('only the last lines are kept, and the numbers of the lines stay right', () => {
  let lines = append(NO_LINES, '1\n2\n3\n', 3);
  lines = append(lines, '4\n5', 3);
  expect(lines).toEqual({ dropped: 2, kept: ['3', '4', '5'], open: true });
  lines = append(lines, 'x\n6\n7\n8\n9\n', 3);
  expect(lines).toEqual({ dropped: 6, kept: ['7', '8', '9'], open: false });
});

test('colours and progress bars are shown as a terminal shows them', () => {
  expect(clean('\u001b[31mred\u001b[0m')).toBe('red');
  expect(clean('10 %\r50 %\r100 %\r')).toBe('100 %');
});

test('search looks at what is shown, whatever its case', () => {
  expect(find(['Epoch 1', 'loss', 'EPOCH 2', 'epoch\rdone'], ' epoch ')).toEqual([0, 2]);
  expect(find(['a'], '  ')).toEqual([]);
});
