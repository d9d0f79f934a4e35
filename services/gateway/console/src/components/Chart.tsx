import { Skeleton } from 'antd';
import { lazy, Suspense } from 'react';

import type { ChartOption } from './chart/engine';

export type { ChartOption };

export interface ChartProps {
  /** What it shows, in a sentence: the name that screen readers tell. */
  label: string;
  option: ChartOption;
  height?: number;
}

const Canvas = lazy(() => import('./chart/Canvas'));

/** A chart of ECharts. Series without a colour take those of the theme, in order. */
export function Chart({ label, option, height = 280 }: ChartProps) {
  return (
    <div role="img" aria-label={label} style={{ height, minWidth: 0 }}>
      <Suspense fallback={<Skeleton.Node active style={{ width: '100%', height }} />}>
        <Canvas option={option} />
      </Suspense>
    </div>
  );
}
