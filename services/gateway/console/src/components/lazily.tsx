import { type ComponentType, lazy, Suspense } from 'react';

/** A part of a page that is loaded when it is shown first: a tab, a dialog. The rest of the page stays meanwhile. */
export function lazily<Props extends object>(load: () => Promise<ComponentType<Props>>): ComponentType<Props> {
  const Part = lazy(async () => ({ default: await load() })) as unknown as ComponentType<Props>;
  return function Lazily(props: Props) {
    return (
      <Suspense fallback={null}>
        <Part {...props} />
      </Suspense>
    );
  };
}
