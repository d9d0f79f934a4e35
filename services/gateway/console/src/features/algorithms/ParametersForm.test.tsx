import { fireEvent, render, screen } from '@testing-library/react';
import { useState } from 'react';
import { expect, test } from 'vitest';

import { setLanguage } from '@/i18n';

import { ParametersForm } from './ParametersForm';
import { defaultsOf, type JsonSchema, problemsOf } from './schema';

const SCHEMA: JsonSchema = {
  type: 'object',
  required: ['name'],
  properties: {
    epochs: { type: 'integer', minimum: 1, maximum: 10, default: 8, title: '训练轮数 / epochs' },
    rate: { type: 'number', exclusiveMinimum: 0, exclusiveMaximum: 1, default: 0.05 },
    policy: { type: 'string', enum: ['fixed', 'poly'], default: 'poly' },
    name: { type: 'string', pattern: '^[a-z]+$', maxLength: 4 },
    augment: { type: 'boolean', default: true, title: '数据增强 / augmentation' },
    sizes: { type: 'array', items: { type: 'integer', minimum: 1 }, minItems: 1, default: [3] },
    inner: { type: 'object', properties: { depth: { type: 'integer', minimum: 1, default: 2 } } },
  },
};

test('defaults are those of the schema, inside objects too', () => {
  expect(defaultsOf(SCHEMA)).toEqual({
    epochs: 8, rate: 0.05, policy: 'poly', augment: true, sizes: [3], inner: { depth: 2 },
  });
});

test('problems are found where the server would find them', () => {
  const keys = (changes: object) => Object.keys(problemsOf(SCHEMA, { ...defaultsOf(SCHEMA), name: 'abc', ...changes }));
  expect(keys({})).toEqual([]);
  expect(keys({ epochs: 1, rate: 0.999 })).toEqual([]);
  expect(keys({ epochs: 0 })).toEqual(['epochs']);
  expect(keys({ epochs: 1.5 })).toEqual(['epochs']);
  expect(keys({ rate: 0 })).toEqual(['rate']);
  expect(keys({ rate: 1 })).toEqual(['rate']);
  expect(keys({ policy: 'other' })).toEqual(['policy']);
  expect(keys({ name: 'ABC' })).toEqual(['name']);
  expect(keys({ name: 'abcde' })).toEqual(['name']);
  expect(keys({ name: undefined })).toEqual(['name']);
  expect(keys({ epochs: undefined })).toEqual([]);
  expect(keys({ sizes: [] })).toEqual(['sizes']);
  expect(keys({ sizes: [3, 0] })).toEqual(['sizes']);
  expect(keys({ inner: { depth: 0 } })).toEqual(['inner.depth']);
});

function Edited({ schema, onValue }: { schema: JsonSchema; onValue: (value: object) => void }) {
  const [value, setValue] = useState(defaultsOf(schema));
  const change = (given: Record<string, unknown>) => {
    setValue(given);
    onValue(given);
  };
  return <ParametersForm schema={schema} value={value} onChange={change} errors={problemsOf(schema, value)} />;
}

test('what is typed is kept and judged, an emptied field is left to its default', async () => {
  await setLanguage('zh');
  let value: Record<string, unknown> = {};
  const { epochs: first, augment, inner } = SCHEMA.properties ?? {};
  const schema = { properties: { epochs: first, augment, inner } } as JsonSchema;
  render(<Edited schema={schema} onValue={(given) => (value = given as Record<string, unknown>)} />);
  const epochs = screen.getByLabelText(/训练轮数/);
  fireEvent.change(epochs, { target: { value: '99' } });
  expect(value.epochs).toBe(99);
  expect(screen.getByText(/超出允许的范围/)).toBeTruthy();
  fireEvent.change(epochs, { target: { value: '' } });
  expect('epochs' in value).toBe(false);
  fireEvent.click(screen.getByLabelText(/数据增强/));
  expect(value.augment).toBe(false);
  fireEvent.change(screen.getByLabelText(/depth/), { target: { value: '5' } });
  expect(value.inner).toEqual({ depth: 5 });
}, 20_000);

test('of many parameters the later ones are folded away, unless one of them is wrong', () => {
  const properties = Object.fromEntries(
    [...Array(12).keys()].map((at) => [`p${at}`, { type: 'integer', minimum: 0, default: 1 } as JsonSchema]),
  );
  const form = (errors: Record<string, string>) => (
    <ParametersForm schema={{ properties }} value={{}} onChange={() => undefined} errors={errors} />
  );
  const { rerender } = render(form({}));
  expect(screen.queryByLabelText(/^p5$/)).toBeTruthy();
  expect(screen.queryByLabelText(/^p9$/)).toBeNull();
  rerender(form({ p9: 'wrong' }));
  expect(screen.queryByLabelText(/^p9$/)).toBeTruthy();
});
