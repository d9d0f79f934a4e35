import { useTranslation } from 'react-i18next';

import type { Algorithm, Purpose } from '@/api/types';

/** `image/classification` in words; what has none is shown as it is. */
export function usePurposeText(): (purpose: Purpose | undefined) => string {
  const { t, i18n } = useTranslation();
  const word = (level: string) => {
    const key = `tasks.purposes.${level}`;
    return i18n.exists(key) ? t(key as 'tasks.purposes.image') : level;
  };
  return (purpose) => (purpose ? `${word(purpose.level1)} · ${word(purpose.level2)}` : '–');
}

/** The title of an algorithm in the language of the page, else its name. */
export function useAlgorithmTitle(): (algorithm: Pick<Algorithm, 'name' | 'title'>) => string {
  const { i18n } = useTranslation();
  return ({ name, title }) => title[i18n.language === 'en' ? 'en' : 'zh'] || name;
}

/** Steps have the names that the algorithm gives them; the usual ones are translated. */
export function useStepName(): (name: string) => string {
  const { t, i18n } = useTranslation();
  return (name) => {
    const key = `tasks.page.step.${name}`;
    return i18n.exists(key) ? t(key as 'tasks.page.step.training') : name;
  };
}
