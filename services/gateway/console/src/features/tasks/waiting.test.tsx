import { render } from '@testing-library/react';
import { expect, test } from 'vitest';

import { isHopeless, useWaitingText } from './waiting';

function Said({ reason }: { reason: string }) {
  return useWaitingText()(reason);
}

test.each([
  [
    'It waits for 2 cores: 3 cores of 4 cores are in use.',
    '需要 2 核 CPU：集群共 4 核 CPU，其中 3 核 CPU 正被占用。前面的任务结束后会自动开始。',
  ],
  [
    'It needs 64.0 GiB of memory; the largest node has 16.0 GiB of memory.',
    '需要 64.0 GiB 内存，但最大的节点只有 16.0 GiB 内存。这样永远等不到，请减少申请的资源。',
  ],
  ['It waits for a node: none of the engine process is there.', '目前没有可用的计算节点，请检查集群。'],
  ['Its node n-1 went away; it waits for another start.', '原来的节点失去联系，任务会在其他节点上继续。'],
  ['Something new.', 'Something new.'],
])('%s', (reason, said) => {
  expect(render(<Said reason={reason} />).container.textContent).toBe(said);
});

test('what no node can hold is told apart from what only has to wait', () => {
  expect(isHopeless('It needs 8 cores; the largest node has 4 cores.')).toBe(true);
  expect(isHopeless('It waits for 2 cores: 3 cores of 4 cores are in use.')).toBe(false);
});
