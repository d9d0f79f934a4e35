import { expect, test } from 'vitest';

import { answerFields } from './InterfaceView';

test.each([
  ['label (text): The class.\nconfidence (number): From 0 to 1.', ['label', 'confidence']],
  ['[{"name": "label", "type": "text", "description": "The class."}]', ['label']],
  ['What you sent, upside down.', undefined],
  ['[{"name": {"x": 1}}]', undefined],
  ['[null]', undefined],
  ['[{', undefined],
  ['', undefined],
])('%s', (returns, names) => {
  expect(answerFields(returns)?.map((field) => field.name)).toEqual(names);
});
