import type { GlobalToken } from 'antd';

import { type Appearance, series } from '@/app/theme';

/** Colours and letters of the page for everything that an option leaves open. */
export function chartTheme(appearance: Appearance, token: GlobalToken) {
  const axis = {
    axisLine: { lineStyle: { color: token.colorBorder } },
    axisTick: { lineStyle: { color: token.colorBorder } },
    axisLabel: { color: token.colorTextSecondary },
    nameTextStyle: { color: token.colorTextSecondary },
    splitLine: { lineStyle: { color: token.colorBorderSecondary } },
  };
  return {
    color: [...series[appearance]],
    backgroundColor: 'transparent',
    textStyle: { fontFamily: token.fontFamily, color: token.colorText },
    valueAxis: axis,
    logAxis: axis,
    categoryAxis: axis,
    timeAxis: axis,
    legend: { textStyle: { color: token.colorText } },
    tooltip: {
      backgroundColor: token.colorBgElevated,
      borderColor: token.colorBorderSecondary,
      textStyle: { color: token.colorText, fontSize: 12 },
    },
    dataZoom: {
      borderColor: token.colorBorderSecondary,
      textStyle: { color: token.colorTextSecondary },
      fillerColor: token.colorPrimaryBg,
      handleStyle: { color: token.colorPrimary },
    },
  };
}
