import { Card } from 'antd';
import { useTranslation } from 'react-i18next';

import type { ServiceStatistics } from '@/api/types';
import { palette, useLook } from '@/app/theme';
import { Chart } from '@/components/Chart';

import { OUTCOMES } from './figures';
import { useTimeAxis } from './useTimeAxis';

/** Requests by how they ended, one bar a point. */
export function RequestsChart({ statistics }: { statistics: ServiceStatistics }) {
  const { t } = useTranslation();
  const { appearance } = useLook();
  const { axes, stepText } = useTimeAxis(statistics);
  const colours = palette[appearance];
  const colourOf = { answered: colours.busy, refused: colours.waits, failed: colours.bad };
  const { answered, refused, failed } = statistics.total;
  const option = {
    ...axes,
    yAxis: { id: 'y', type: 'value', minInterval: 1 },
    series: OUTCOMES.map((outcome) => ({
      id: outcome,
      name: t(`services.traffic.outcomes.${outcome}`),
      type: 'bar',
      stack: 'requests',
      itemStyle: { color: colourOf[outcome] },
      data: statistics.points.map((point) => Number(point[outcome])),
    })),
  };
  return (
    <Card size="small" title={t('services.traffic.perStep', { step: stepText })}>
      <Chart label={t('services.traffic.requestsChart', { answered, refused, failed })} option={option} height={240} />
    </Card>
  );
}
