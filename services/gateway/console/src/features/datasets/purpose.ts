import i18next from 'i18next';
import { useTranslation } from 'react-i18next';

import type { Purpose } from '@/api/types';

/** As the server knows them (services/dataset/domain/purpose.py); the second level belongs to the first. */
export const PURPOSES: Record<string, string[]> = {
  image: ['classification', 'detection', 'segmentation', 'keypoint'],
  text: ['classification', 'extraction', 'relation'],
  video: ['classification', 'detection', 'tracking'],
  multimodal: ['classification', 'retrieval'],
  table: ['classification', 'regression'],
};

/** What can be imported so far; the rest is refused by the server. */
export function importable(level1: string, level2: string): boolean {
  return (level1 === 'image' || level1 === 'text') && level2 === 'classification';
}

/** A level in the user's language; algorithms may bring purposes of their own, which are shown as they are. */
export function useLevelText(): (level: 'level1' | 'level2', value: string) => string {
  const { t } = useTranslation();
  return (level, value) => {
    const key = `datasets.purposes.${level}.${value}`;
    return i18next.exists(key) ? t(key as 'datasets.purposes.level1.image') : value;
  };
}

export function usePurposeText(): (purpose: Partial<Purpose> | undefined) => string {
  const text = useLevelText();
  return (purpose) =>
    purpose?.level1 ? `${text('level1', purpose.level1)} / ${text('level2', purpose.level2 ?? '')}` : '–';
}
