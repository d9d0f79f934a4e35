import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import ts from 'typescript';
import { expect, test } from 'vitest';

import en from '@/i18n/en';
import zh from '@/i18n/zh';

const SOURCES = join(import.meta.dirname, '..');
/** Attributes whose text people see or hear. */
const SEEN = new Set(['aria-label', 'title', 'placeholder', 'alt', 'label', 'description', 'subTitle', 'extra']);
/** Neither Chinese nor two letters in a row: signs, numbers, units. */
const WORDS = /[\p{Script=Han}]|[A-Za-z]{2}/u;
/** The product's name, and languages in their own words. */
const NAMES = new Set(['modelyard', '中文', 'English']);

function keys(texts: object, path = ''): string[] {
  return Object.entries(texts).flatMap(([key, value]) =>
    typeof value === 'string' ? [`${path}${key}`] : keys(value as object, `${path}${key}.`),
  );
}

function texts(tree: object): [string, string][] {
  return keys(tree).map((key) => [
    key,
    key.split('.').reduce<unknown>((node, part) => (node as Record<string, unknown>)[part], tree) as string,
  ]);
}

function placeholders(text: string): string[] {
  return (text.match(/\{\{\s*\w+/g) ?? []).map((one) => one.replace(/\W/g, '')).sort();
}

test('both languages have the same keys', () => {
  expect(keys(en).sort()).toEqual(keys(zh).sort());
});

test('no text is empty, and both languages fill in the same values', () => {
  const english = new Map(texts(en));
  for (const [key, text] of texts(zh)) {
    expect(text, key).not.toBe('');
    expect(english.get(key), key).not.toBe('');
    expect(placeholders(english.get(key) ?? ''), key).toEqual(placeholders(text));
  }
});

function literals(file: string): string[] {
  const source = ts.createSourceFile(file, readFileSync(file, 'utf8'), ts.ScriptTarget.Latest, true, ts.ScriptKind.TSX);
  const found: string[] = [];
  const note = (node: ts.Node, text: string) => {
    if (WORDS.test(text) && !NAMES.has(text.trim())) {
      found.push(`${file}:${source.getLineAndCharacterOfPosition(node.getStart()).line + 1}: ${text.trim()}`);
    }
  };
  const visit = (node: ts.Node) => {
    if (ts.isJsxText(node)) note(node, node.text);
    if (ts.isJsxExpression(node) && node.expression && ts.isStringLiteral(node.expression) && ts.isJsxElement(node.parent)) {
      note(node, node.expression.text);
    }
    if (ts.isJsxAttribute(node) && SEEN.has(node.name.getText()) && node.initializer && ts.isStringLiteral(node.initializer)) {
      note(node, node.initializer.text);
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

test('no page holds a text of its own', () => {
  const files = readdirSync(SOURCES, { recursive: true, encoding: 'utf8' }).filter(
    (name) => name.endsWith('.tsx') && !name.endsWith('.test.tsx'),
  );
  expect(files.length).toBeGreaterThan(10);
  expect(files.flatMap((name) => literals(join(SOURCES, name)))).toEqual([]);
});
