import { expect, test } from 'vitest';

import { findings, type Found, sortFiles, without } from './files';

function files(...paths: string[]): Found[] {
  return paths.map((path) => ({ path, file: new Blob([path.includes('empty') ? '' : 'x']) }));
}

function names(found: Found[]): Record<string, string[]> {
  const { classes } = sortFiles(found, 'image');
  return Object.fromEntries(classes.map(({ name, samples }) => [name, samples.map((sample) => sample.name)]));
}

test('the folder that a file lies in is its class, with and without a folder around all', () => {
  expect(names(files('pets/cat/1.png', 'pets/dog/1.JPG'))).toEqual({ cat: ['1.png'], dog: ['1.JPG'] });
  expect(names(files('cat/1.png', 'dog/1.png'))).toEqual({ cat: ['1.png'], dog: ['1.png'] });
});

test('the same class in two folders becomes one, and no file is lost', () => {
  expect(names(files('pets/train/cat/1.png', 'pets/test/cat/1.png'))).toEqual({ cat: ['1.png', 'test_cat_1.png'] });
});

test('what is of no use is left out and counted, what systems leave is not mentioned', () => {
  const sorted = sortFiles(
    files('p/cat/1.png', 'p/dog/1.png', 'p/dog/empty.png', 'p/readme.pdf', 'p/3.png', 'p/cat/.DS_Store', '__MACOSX/p/cat/1.png'),
    'image',
  );
  expect(sorted).toMatchObject({ wrongType: 1, outside: 1, empty: 1 });
  expect(sorted.classes.map(({ samples }) => samples.length)).toEqual([1, 1]);
});

test('says what is missing', () => {
  const codes = (...paths: string[]) => findings(sortFiles(files(...paths), 'image')).map(({ code }) => code);
  expect(codes('a.pdf')).toEqual(['noClass', 'wrongType']);
  expect(codes('cat/1.png', 'cat/2.png')).toEqual(['oneClass', 'few']);
  expect(codes('cat/1.png', 'dog/1.png', 'dog/2.png')).toEqual(['oneFile', 'few']);
  const enough = ['a', 'b'].flatMap((name) => [1, 2, 3, 4, 5].map((at) => `${name}/${at}.png`));
  expect(codes(...enough)).toEqual([]);
});

test('refused files are taken out, and classes without any with them', () => {
  const { classes } = sortFiles(files('cat/1.png', 'cat/2.png', 'dog/1.png'), 'image');
  const left = without(classes, ['cat/2.png', 'dog/1.png']);
  expect(left.map(({ name, samples }) => [name, samples.length])).toEqual([['cat', 1]]);
});
