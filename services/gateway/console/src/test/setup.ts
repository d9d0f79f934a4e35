import { cleanup } from '@testing-library/react';
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

beforeAll(startI18n);
afterEach(cleanup);
