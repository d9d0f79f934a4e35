/** How far back one may look: seconds, and how many points fit a chart. */
export const WINDOWS = {
  hour: { seconds: 3600, points: 60 },
  day: { seconds: 86_400, points: 96 },
  week: { seconds: 7 * 86_400, points: 84 },
  month: { seconds: 30 * 86_400, points: 90 },
} as const;

export type Window = keyof typeof WINDOWS;

export function isWindow(name: string): name is Window {
  return Object.hasOwn(WINDOWS, name);
}
