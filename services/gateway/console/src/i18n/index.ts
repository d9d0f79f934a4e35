import i18next from 'i18next';
import { initReactI18next } from 'react-i18next';

import type zh from './zh';

export const LANGUAGES = ['zh', 'en'] as const;
export type Language = (typeof LANGUAGES)[number];

const KEY = 'modelyard.language';
/** Only the texts of the chosen language are loaded. */
const TEXTS = { zh: () => import('./zh'), en: () => import('./en') };

export function language(): Language {
  return i18next.language === 'en' ? 'en' : 'zh';
}

export async function setLanguage(chosen: Language): Promise<void> {
  localStorage.setItem(KEY, chosen);
  if (!i18next.hasResourceBundle(chosen, 'translation')) {
    i18next.addResourceBundle(chosen, 'translation', (await TEXTS[chosen]()).default);
  }
  await i18next.changeLanguage(chosen);
  document.documentElement.lang = chosen === 'zh' ? 'zh-CN' : 'en';
}

/** Chinese first, unless something else was chosen before. */
export async function startI18n(): Promise<void> {
  await i18next.use(initReactI18next).init({
    resources: {},
    fallbackLng: false,
    interpolation: { escapeValue: false },
    returnNull: false,
  });
  await setLanguage(localStorage.getItem(KEY) === 'en' ? 'en' : 'zh');
}

declare module 'i18next' {
  interface CustomTypeOptions {
    resources: { translation: typeof zh };
  }
}
