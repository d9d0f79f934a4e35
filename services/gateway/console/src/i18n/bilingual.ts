import { useCallback } from 'react';
import { useTranslation } from 'react-i18next';

const BILINGUAL = /^(?<zh>.*\p{Script=Han}.*?) \/ (?<en>.+)$/su;

/** Texts that people bring may hold both languages: `训练轮数 / epochs`. The one that is wanted, else all of it. */
export function inLanguage(text: string, language: string): string {
  const parts = BILINGUAL.exec(text)?.groups;
  return (language === 'en' ? parts?.en : parts?.zh) ?? text;
}

export type InLanguage = (text: string) => string;

export function useInLanguage(): InLanguage {
  const { language } = useTranslation().i18n;
  return useCallback((text) => inLanguage(text, language), [language]);
}
