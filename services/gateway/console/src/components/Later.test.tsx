import { act, render, screen } from '@testing-library/react';
import { Profiler } from 'react';
import { expect, test } from 'vitest';

import { Later } from './Later';

const soon = () => act(() => new Promise((resolve) => window.setTimeout(resolve, 50)));

test('what comes later is drawn piece by piece, in its order', async () => {
  const commits: string[] = [];
  render(
    <Profiler id="all" onRender={() => commits.push(document.body.textContent ?? '')}>
      <p>now</p>
      <Later>a</Later>
      <Later>b</Later>
      <Later>c</Later>
    </Profiler>,
  );
  expect(document.body.textContent).toBe('now');
  for (let at = 0; at < 5; at++) await soon();
  expect([...new Set(commits)]).toEqual(expect.arrayContaining(['now', 'nowa', 'nowab']));
  expect(document.body.textContent).toBe('nowabc');
});

test('one that goes before its turn does not hold up the others', async () => {
  const { rerender } = render(
    <>
      <Later key="a">first</Later>
      <Later key="b">second</Later>
    </>,
  );
  rerender(<Later key="b">second</Later>);
  for (let at = 0; at < 3; at++) await soon();
  expect(screen.getByText('second')).toBeTruthy();
  render(<Later>third</Later>);
  for (let at = 0; at < 3; at++) await soon();
  expect(screen.getByText('third')).toBeTruthy();
});
