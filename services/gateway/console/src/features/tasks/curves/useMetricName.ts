import { useTranslation } from 'react-i18next';

import { nameOf } from './metrics';

/** Metrics have the names that the algorithm gives them; the usual ones are translated. */
export function useMetricName(): (metric: string, withSplit: boolean) => string {
  const { t, i18n } = useTranslation();
  const word = (name: string) => {
    const key = `tasks.metric.${name}`;
    return i18n.exists(key) ? t(key as 'tasks.metric.loss') : name;
  };
  return (metric, withSplit) => {
    const { family, split } = nameOf(metric);
    if (!split) return withSplit && i18n.exists(`tasks.metric.${metric}`) ? `${word(metric)} (${t('tasks.metric.train')})` : word(metric);
    return `${word(family)} (${t(`tasks.metric.${split}`)})`;
  };
}
