import i18next from 'i18next';
import { expect, test } from 'vitest';

import { waitingWords } from './reasons';

test.each([
  ['It waits for 0.2 cores: 1.8 cores of 2 cores are in use.', '等待 0.2 核 CPU：共 2 核 CPU，已占用 1.8 核 CPU。'],
  ['It needs 3.0 GiB of memory; the largest node has 2.0 GiB of memory.', '需要 3.0 GiB 内存，而最大的节点只有 2.0 GiB 内存。'],
  ['It waits for a node: none of the engine triton is there.', '没有可用的 triton 节点，正在等待节点上线。'],
  ['Triton does not answer (Deadline Exceeded).', '推理服务器暂时没有响应，恢复后服务会自动继续。'],
  ['Something that nobody foresaw.', 'Something that nobody foresaw.'],
])('%s', (reason, words) => {
  expect(waitingWords(i18next.t, reason)).toBe(words);
});
