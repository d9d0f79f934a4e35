import { expect, test } from 'vitest';

import { decoded, pack, unpack } from './zip';

const classes = [
  { name: '猫', samples: [{ name: '1.txt', file: new File(['miaow'], '1.txt', { lastModified: 1.7e12 }) }] },
  { name: 'dog', samples: [{ name: '1.txt', file: new File(['wau '.repeat(500)], '1.txt', { lastModified: 1.6e12 }) }] },
];

async function bytesOf(file: Blob): Promise<number[]> {
  return [...new Uint8Array(await file.arrayBuffer())];
}

test('what is packed comes out again, class by class', async () => {
  for (const smaller of [true, false]) {
    const steps: number[] = [];
    const archive = await pack(classes, { name: 'pets', smaller, onProgress: (done) => steps.push(done) });
    const found = await unpack(archive);
    expect(found.map(({ path }) => path)).toEqual(['猫/1.txt', 'dog/1.txt']);
    expect(await found[1]?.file.text()).toBe('wau '.repeat(500));
    expect(steps).toEqual([1, 2]);
    expect(archive.size < 1000).toBe(smaller);
  }
});

test('the same files give the same archive, so that an upload can go on', async () => {
  const options = { name: 'pets', smaller: false, onProgress: () => undefined };
  const [one, two] = [await pack(classes, options), await pack(classes, options)];
  expect(await bytesOf(one)).toEqual(await bytesOf(two));
  expect([two.name, two.lastModified]).toEqual(['pets.zip', 1.7e12]);
});

test('names of archives from Chinese Windows are read, others stay', () => {
  expect(decoded('\u00ba\u00cf\u00b8\u00f1/1.png')).toBe('合格/1.png');
  for (const name of ['cat/1.png', '合格/1.png', 'café/1.png']) expect(decoded(name)).toBe(name);
});

test('what is no archive is refused', async () => {
  await expect(unpack(new File([new Uint8Array(8)], 'broken.zip'))).rejects.toThrow();
});
