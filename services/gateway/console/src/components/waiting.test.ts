import i18next from 'i18next';
import { expect, test } from 'vitest';

import { isHopeless, waitingText } from './waiting';

test.each([
  ['It waits for 2 cores: 3 cores of 4 cores are in use.', '需要 2 核 CPU：共 4 核 CPU，其中 3 核 CPU 正被占用。空出后会自动开始。'],
  [
    'It needs 64.0 GiB of memory; the largest node has 16.0 GiB of memory.',
    '需要 64.0 GiB 内存，但最大的节点只有 16.0 GiB 内存。这样永远等不到，请减少申请的资源。',
  ],
  ['It waits for a node: none of the engine process is there.', '目前没有可用的计算节点，请检查集群。'],
  ['It waits for a node: none of the engine triton is there.', '推理服务器不在线，正在等待它恢复。'],
  ['Its node n-1 went away; it waits for another start.', '原来的节点失去联系，会在其他节点上继续。'],
  ['Triton does not answer (Deadline Exceeded).', '推理服务器暂时没有响应，恢复后服务会自动继续。'],
  ['Something new.', 'Something new.'],
  ['', ''],
])('%s', (reason, said) => {
  expect(waitingText(i18next.t, reason)).toBe(said);
});

test('times are those of the reader', () => {
  const moment = new Date();
  moment.setHours(9, 5);
  const utc = moment.toISOString().slice(11, 16);
  expect(waitingText(i18next.t, `It is next: a node is kept for it and expected to be free at ${utc} UTC.`)).toContain('09:05');
});

test('what no node can hold is told apart from what only has to wait', () => {
  expect(isHopeless('It needs 8 cores; the largest node has 4 cores.')).toBe(true);
  expect(isHopeless('It waits for 2 cores: 3 cores of 4 cores are in use.')).toBe(false);
});
