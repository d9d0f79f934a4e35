import { theme } from 'antd';
import { useEffect, useMemo, useRef } from 'react';

import { useLook } from '@/app/theme';

import { type ChartOption, echarts } from './engine';
import { chartTheme } from './look';

/** Loaded lazily by `Chart`. Zoom and hidden series stay while the data grows. */
export default function Canvas({ option }: { option: ChartOption }) {
  const { appearance } = useLook();
  const { token } = theme.useToken();
  const look = useMemo(() => chartTheme(appearance, token), [appearance, token]);
  const holder = useRef<HTMLDivElement>(null);
  const chart = useRef<echarts.ECharts>(undefined);

  useEffect(() => {
    const element = holder.current;
    if (!element) return;
    const made = echarts.init(element, look, { renderer: 'canvas' });
    chart.current = made;
    const sized = new ResizeObserver(() => made.resize());
    sized.observe(element);
    return () => {
      sized.disconnect();
      made.dispose();
      chart.current = undefined;
    };
  }, [look]);

  useEffect(() => {
    const { tooltip, ...rest } = option;
    chart.current?.setOption(
      { animation: false, ...rest, ...(tooltip ? { tooltip: { ...tooltip, renderMode: 'richText' } } : {}) },
      // Series may go away, and an axis may become logarithmic.
      { replaceMerge: ['series', 'yAxis'] },
    );
  }, [option, look]);

  return <div ref={holder} aria-hidden style={{ width: '100%', height: '100%' }} />;
}
