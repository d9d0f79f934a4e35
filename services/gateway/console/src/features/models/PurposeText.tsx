import { useTranslation } from 'react-i18next';

import type { Purpose } from '@/api/types';

type Known = 'image' | 'text' | 'classification';
const KNOWN: readonly string[] = ['image', 'text', 'classification'] satisfies Known[];

/** What something is for, in words where they are known. */
export function PurposeText({ of }: { of: Purpose | undefined }) {
  const { t, i18n } = useTranslation();
  if (!of) return '–';
  const word = (level: string) => (KNOWN.includes(level) ? t(`models.purposes.${level as Known}`) : level);
  const words = [of.level1, of.level2].filter(Boolean).map(word);
  return <span>{words.join(i18n.language === 'en' ? ' ' : '')}</span>;
}
