import { Card } from 'antd';
import { useTranslation } from 'react-i18next';

import type { ServiceStatistics } from '@/api/types';
import { series as colours, useLook } from '@/app/theme';
import { Chart } from '@/components/Chart';

import { milliseconds, QUANTILES } from './figures';
import { useTimeAxis } from './useTimeAxis';

/** How long answers took; a gap where there was none. */
export function LatencyChart({ statistics }: { statistics: ServiceStatistics }) {
  const { t } = useTranslation();
  const { appearance } = useLook();
  const { axes } = useTimeAxis(statistics);
  const { total } = statistics;
  const told = { p50: milliseconds(total.p50_ms), p95: milliseconds(total.p95_ms), p99: milliseconds(total.p99_ms) };
  const option = {
    ...axes,
    tooltip: { ...axes.tooltip, valueFormatter: (value: unknown) => (typeof value === 'number' ? milliseconds(value) : '–') },
    yAxis: { id: 'y', type: 'value', min: 0 },
    series: QUANTILES.map((quantile, at) => ({
      id: quantile,
      name: t(`services.traffic.${quantile}`),
      type: 'line',
      symbolSize: 5,
      showAllSymbol: true,
      itemStyle: { color: colours[appearance][at] },
      data: statistics.points.map((point) => (Number(point.answered) ? point[`${quantile}_ms`] : null)),
    })),
  };
  return (
    <Card size="small" title={t('services.traffic.within')}>
      <Chart label={t('services.traffic.latencyChart', told)} option={option} height={240} />
    </Card>
  );
}
