import type { TrafficPoint } from '@/api/types';

export const OUTCOMES = ['answered', 'refused', 'failed'] as const;
export const QUANTILES = ['p50', 'p95', 'p99'] as const;

/** All requests of a point; 64-bit numbers come as text. */
export function requestsOf(point: TrafficPoint): number {
  return OUTCOMES.reduce((sum, outcome) => sum + Number(point[outcome]), 0);
}

/** Two digits are meant: the server counts in steps of a fifth. */
export function milliseconds(value: number): string {
  return value >= 10 ? Math.round(value).toLocaleString('en-US') : value.toPrecision(2);
}

/** When a point began, in the reader's own time; the day too when the window is longer than one. */
export function timeText(start: string | number, language: string, withDay: boolean): string {
  return new Date(start).toLocaleString(language === 'en' ? 'en' : 'zh-CN', {
    ...(withDay ? { month: 'numeric', day: 'numeric' } : {}),
    hour: '2-digit',
    minute: '2-digit',
    hour12: false,
  });
}
