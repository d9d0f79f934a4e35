import { cleanup, configure } from '@testing-library/react';
import { afterEach, beforeAll } from 'vitest';

import { startI18n } from '@/i18n';

/** What Ant Design asks of a browser and jsdom does not have. */
window.matchMedia ??= (query: string) =>
  ({
    matches: false,
    media: query,
    addEventListener: () => undefined,
    removeEventListener: () => undefined,
    addListener: () => undefined,
    removeListener: () => undefined,
  }) as unknown as MediaQueryList;
window.ResizeObserver ??= class {
  observe() {}
  unobserve() {}
  disconnect() {}
};

// Parts of pages are loaded when they are shown, which takes long on a busy machine.
configure({ asyncUtilTimeout: 20_000 });

beforeAll(startI18n);
afterEach(cleanup);
