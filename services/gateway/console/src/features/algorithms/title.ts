import { useTranslation } from 'react-i18next';

import type { Algorithm } from '@/api/types';

/** The title in the user's language, else in any, else the name. */
export function useAlgorithmTitle(): (algorithm: Pick<Algorithm, 'title' | 'name'>) => string {
  const { i18n } = useTranslation();
  return ({ title, name }) => title?.[i18n.language] || title?.zh || title?.en || name;
}
