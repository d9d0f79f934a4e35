import { expect, test } from 'vitest';

import type { Report, Task } from '@/api/types';

import { passesFor } from './api';
import { verdict } from './judge';
import { datasetName, shortTitle } from './names';
import { overall, standingOfTask } from './stages';

const NOW = new Date(2026, 10, 26, 18, 55, 21);
const RULE = /^[A-Za-z]([A-Za-z0-9_-]*[A-Za-z0-9])?$/;

test('any title gives a name that a data set may have', () => {
  expect(datasetName('Parts of B', 'image', NOW)).toBe('Parts-of-B-1126-185521');
  expect(datasetName('零件质检', 'text', NOW)).toBe('my-texts-1126-185521');
  for (const title of ['', '9 lives', '--', 'Ünï cödé', 'x'.repeat(200), '名 a_', '<script>']) {
    const name = datasetName(title, 'image', NOW);
    expect(name).toMatch(RULE);
    expect(name.length).toBeLessThanOrEqual(60);
  }
  expect(shortTitle('零'.repeat(99)).length).toBe(50);
});

test('the stages follow one another on one scale', () => {
  const way = [
    overall({ stage: 'pack', fraction: 1 }),
    overall({ stage: 'upload', fraction: 0.5 }),
    overall({ stage: 'check', fraction: 0.5 }),
    overall({ stage: 'queue', fraction: 0 }),
    overall({ stage: 'learn', fraction: 0.1 }),
    overall({ stage: 'exam', fraction: 1 }),
  ];
  expect(way).toEqual([...way].sort((a, b) => a - b));
  expect(way.at(-1)).toBe(1);
});

test('a task says what it is doing', () => {
  const task = (state: string, ...steps: [string, string][]) =>
    ({ state, progress: 0.5, steps: steps.map(([name, at]) => ({ name, state: at })) }) as unknown as Task;
  expect(standingOfTask(task('STATE_WAITING')).stage).toBe('queue');
  expect(standingOfTask(task('STATE_TRAINING')).stage).toBe('prepare');
  expect(standingOfTask(task('STATE_TRAINING', ['reading', 'finished'], ['training', 'running'])).stage).toBe('learn');
  expect(standingOfTask(task('STATE_TRAINING', ['training', 'finished'], ['export', 'finished'])).stage).toBe('exam');
});

test('a report is told in a few figures', () => {
  const report = {
    overall: { accuracy: 0.9 },
    test_samples: '40',
    classes: ['cat', 'dog', 'cow'],
    confusion_matrix: [{ counts: ['10', '1', '0'] }, { counts: ['3', '12', '0'] }, { counts: ['0', '0', '14'] }],
  } as unknown as Report;
  expect(verdict(report)).toEqual({
    total: 40,
    right: 36,
    advice: 'fair',
    small: false,
    worst: { truth: 'dog', taken: 'cat', count: 3 },
  });
});

test('few samples are gone through more often, if the algorithm knows passes', () => {
  const schema = '{"properties": {"epochs": {}, "batch_size": {}}}';
  expect(passesFor(60, schema)).toEqual({ epochs: 60, batch_size: 16 });
  expect(passesFor(5000, schema)).toEqual({});
  expect(passesFor(60, '{"properties": {"alpha": {}}}')).toEqual({});
});
