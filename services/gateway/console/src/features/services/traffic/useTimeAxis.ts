import { useTranslation } from 'react-i18next';

import type { ServiceStatistics } from '@/api/types';

import { timeText } from './figures';

const DAY_S = 86_400;

/** What both charts share: points beside each other, named by when they began. */
export function useTimeAxis({ points, step_s: step }: ServiceStatistics) {
  const { t, i18n } = useTranslation();
  const withDay = points.length * step > DAY_S;
  const times = points.map((point) => timeText(point.start, i18n.language, withDay));
  return {
    stepText:
      step % 3600 ? t('services.traffic.minutes', { count: step / 60 }) : t('services.traffic.hours', { count: step / 3600 }),
    axes: {
      grid: { left: 8, right: 20, top: 36, bottom: 8, containLabel: true },
      legend: { top: 0, left: 'center' },
      xAxis: { id: 'x', type: 'category', data: times, axisLabel: { hideOverlap: true } },
      tooltip: { trigger: 'axis' },
    },
  };
}
