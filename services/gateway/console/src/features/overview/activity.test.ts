import { expect, test } from 'vitest';

import { type Happening, latest } from './activity';

function happening(subject: string, type: string, time: string): Happening {
  return { subject, name: subject, type, time };
}

test('each resource stands once, with its latest, newest first', () => {
  const listed = [
    happening('task/1', 'task.started', '2026-01-01T00:00:01Z'),
    happening('model/1', 'model.published', '2026-01-01T00:00:02Z'),
    happening('service/1', 'service.started', '2026-01-01T00:00:09Z'),
  ];
  const heard = [
    happening('task/1', 'task.finished', '2026-01-01T00:00:05Z'),
    happening('service/1', 'service.updated', '2026-01-01T00:00:03Z'),
  ];
  expect(latest(heard, listed).map(({ type }) => type)).toEqual(['service.started', 'task.finished', 'model.published']);
});
