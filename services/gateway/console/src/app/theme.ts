import { theme as antd, type ThemeConfig } from 'antd';
import { createContext, useContext } from 'react';

export type Appearance = 'light' | 'dark';

const KEY = 'modelyard.appearance';

/** Colours with a meaning, for charts and marks; each holds 4.5:1 against the page in its appearance. */
export const palette = {
  light: { primary: '#1f5eff', good: '#1a7f37', bad: '#c81e2b', busy: '#0b5fc0', waits: '#8a5a00', special: '#6f36b8', quiet: '#5b6472' },
  dark: { primary: '#6b9bff', good: '#4cc366', bad: '#ff7b72', busy: '#6cb6ff', waits: '#e0a93b', special: '#c9a6ff', quiet: '#a0a8b4' },
} as const;

/** Series of charts, told apart by people with colour blindness too (Okabe and Ito, darkened for white). */
export const series = {
  light: ['#0072b2', '#b35900', '#007a5e', '#a8527f', '#6b6b00', '#3b6ea5'],
  dark: ['#56b4e9', '#e69f00', '#2fc39a', '#e08fbb', '#d9cf4a', '#9db8ff'],
} as const;

export function themeOf(appearance: Appearance): ThemeConfig {
  const colours = palette[appearance];
  return {
    hashed: false, // there is one version of Ant Design
    algorithm: appearance === 'dark' ? antd.darkAlgorithm : antd.defaultAlgorithm,
    token: {
      colorPrimary: appearance === 'dark' ? '#3b76ff' : colours.primary,
      colorLink: colours.primary,
      colorSuccess: colours.good,
      colorError: colours.bad,
      colorWarning: colours.waits,
      colorInfo: colours.busy,
      colorTextDescription: colours.quiet,
      colorTextTertiary: colours.quiet,
      colorTextPlaceholder: appearance === 'dark' ? '#939ba8' : '#666f7d',
      borderRadius: 6,
      fontFamily:
        '-apple-system, BlinkMacSystemFont, "Segoe UI", "PingFang SC", "Hiragino Sans GB", "Microsoft YaHei", "Noto Sans CJK SC", "Noto Sans SC", "WenQuanYi Micro Hei", Roboto, "Helvetica Neue", Arial, sans-serif',
      fontFamilyCode: 'ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace',
    },
    components: {
      Layout: { headerHeight: 52, headerPadding: '0 20px' },
      Tabs: { itemSelectedColor: colours.primary, itemHoverColor: colours.primary },
      Menu: { itemHeight: 38, itemSelectedColor: colours.primary },
    },
  };
}

export function storedAppearance(): Appearance {
  const stored = localStorage.getItem(KEY);
  if (stored === 'light' || stored === 'dark') return stored;
  return window.matchMedia?.('(prefers-color-scheme: dark)').matches ? 'dark' : 'light';
}

export function storeAppearance(appearance: Appearance): void {
  localStorage.setItem(KEY, appearance);
}

interface Look {
  appearance: Appearance;
  setAppearance: (appearance: Appearance) => void;
}

export const LookContext = createContext<Look>({ appearance: 'light', setAppearance: () => undefined });

export function useLook(): Look {
  return useContext(LookContext);
}
