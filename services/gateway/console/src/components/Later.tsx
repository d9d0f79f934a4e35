import { type ReactNode, startTransition, useEffect, useRef, useState } from 'react';

const waiting: (() => void)[] = [];
let busy = false;

function next(): void {
  busy = waiting.length > 0;
  waiting.shift()?.();
}

/** Calls `begin` when all that asked before have been drawn; the answer is to be called when this one has been, too. */
function inTurn(begin: () => void): () => void {
  let over = false;
  waiting.push(begin);
  if (!busy) {
    busy = true;
    window.setTimeout(next);
  }
  return () => {
    if (over) return;
    over = true;
    const at = waiting.indexOf(begin);
    if (at >= 0) waiting.splice(at, 1);
    else window.setTimeout(next);
  };
}

/**
 * Draws its children in a step of their own, after those that came before it. A page that is drawn whole keeps the
 * browser from everything else for half a second, most of it to put in the styles of its components.
 */
export function Later({ children }: { children: ReactNode }) {
  const [drawn, draw] = useState(false);
  const done = useRef<() => void>(undefined);
  useEffect(() => (done.current = inTurn(() => startTransition(() => draw(true)))), []);
  useEffect(() => {
    if (drawn) done.current?.();
  }, [drawn]);
  return drawn ? children : null;
}
