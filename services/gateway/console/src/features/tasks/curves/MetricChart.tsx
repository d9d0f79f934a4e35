import { Card, Flex, theme } from 'antd';
import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';

import { series as colours, useLook } from '@/app/theme';
import { Chart, type ChartOption } from '@/components/Chart';

import { type Family, figure, smooth } from './metrics';
import { useMetricName } from './useMetricName';

const ZOOM_PX = 16;

interface Props {
  family: Family;
  smoothing: number;
  logScale: boolean;
}

/** One metric over the steps; training and validation together. */
export function MetricChart({ family, smoothing, logScale }: Props) {
  const { t } = useTranslation();
  const { token } = theme.useToken();
  const { appearance } = useLook();
  const nameOf = useMetricName();
  const palette = colours[appearance];
  const names = family.curves.map((curve) => nameOf(curve.name, family.curves.length > 1));

  const option = useMemo<ChartOption>(() => {
    const lines = family.curves.flatMap((curve, at) => {
      const colour = palette[at % palette.length];
      const pairs = (values: number[]) => curve.steps.map((step, i) => [step, shown(values[i], logScale)]);
      const line = { type: 'line', sampling: 'lttb', showSymbol: curve.values.length < 30, symbolSize: 4 };
      const main = {
        ...line,
        id: curve.name,
        name: names[at],
        data: pairs(smooth(curve.values, smoothing)),
        itemStyle: { color: colour },
        lineStyle: { color: colour, width: 2, type: at % 2 ? 'dashed' : 'solid' },
      };
      if (!smoothing) return [main];
      // What was recorded stays in sight behind the smoothed line.
      const raw = {
        ...line,
        id: `${curve.name} raw`,
        data: pairs(curve.values),
        showSymbol: false,
        silent: true,
        tooltip: { show: false },
        lineStyle: { color: colour, width: 1, opacity: 0.3 },
        emphasis: { disabled: true },
      };
      return [raw, main];
    });
    return {
      grid: { left: 8, right: 20, top: 16, bottom: ZOOM_PX + 12, containLabel: true },
      xAxis: { id: 'x', type: 'value', min: 'dataMin', max: 'dataMax', minInterval: 1, splitLine: { show: false } },
      yAxis: {
        id: 'y',
        type: logScale ? 'log' : 'value',
        scale: true,
        axisLabel: { formatter: figure },
      },
      tooltip: { trigger: 'axis', formatter: (hovered: Hovered[]) => tip(hovered, (step) => t('tasks.curves.step', { step })) },
      dataZoom: [
        { id: 'inside', type: 'inside', filterMode: 'none', zoomOnMouseWheel: 'ctrl' },
        { id: 'slider', type: 'slider', filterMode: 'none', height: ZOOM_PX, bottom: 4, showDetail: false, brushSelect: false },
      ],
      series: lines,
    };
  }, [family, smoothing, logScale, palette, names.join(), t]);

  const title = nameOf(family.name, false);
  const values = family.curves.map((curve, at) =>
    t('tasks.curves.seriesValue', { name: names[at], last: figure(curve.values.at(-1)) }),
  );
  return (
    <Card size="small" title={title}>
      <Chart label={t('tasks.curves.chart', { name: title, values: values.join(', ') })} option={option} height={260} />
      <Flex gap={16} wrap style={{ marginBlockStart: 8, fontSize: 12 }} className="numbers">
        {family.curves.map((curve, at) => (
          <Flex key={curve.name} gap={6} align="center">
            <span
              aria-hidden
              style={{ width: 16, borderBlockStart: `2px ${at % 2 ? 'dashed' : 'solid'} ${palette[at % palette.length]}` }}
            />
            <span>{values[at]}</span>
            <span style={{ color: token.colorTextSecondary }}>
              {t('tasks.curves.best', { low: figure(least(curve.values)), high: figure(most(curve.values)) })}
            </span>
          </Flex>
        ))}
      </Flex>
    </Card>
  );
}

interface Hovered {
  seriesName: string;
  seriesId: string;
  value: [number, number | null];
}

function tip(hovered: Hovered[], stepText: (step: number) => string): string {
  const lines = hovered
    .filter(({ seriesId, value }) => !seriesId.endsWith(' raw') && value[1] !== null)
    .map(({ seriesName, value }) => `${seriesName}  ${figure(value[1] ?? undefined)}`);
  return [stepText(hovered[0]?.value[0] ?? 0), ...lines].join('\n');
}

/** What cannot be drawn is left out: NaN, and on a logarithmic scale what is not above 0. */
function shown(value: number | undefined, logScale: boolean): number | null {
  if (value === undefined || !Number.isFinite(value) || (logScale && value <= 0)) return null;
  return value;
}

function least(values: number[]): number {
  return values.reduce((best, value) => (value < best ? value : best), Infinity);
}

function most(values: number[]): number {
  return values.reduce((best, value) => (value > best ? value : best), -Infinity);
}
