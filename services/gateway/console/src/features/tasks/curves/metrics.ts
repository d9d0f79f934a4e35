import type { MetricPoint } from '@/api/types';

/** The points of one metric in the order in which they were recorded. */
export interface Curve {
  name: string;
  steps: number[];
  values: number[];
}

/** All points that were read so far. */
export interface Points {
  last: number;
  curves: Record<string, Curve>;
}

export const NO_POINTS: Points = { last: 0, curves: {} };

/** Adds points; those that are there already are left out. */
export function merge(points: Points, more: MetricPoint[]): Points {
  const fresh = more.filter((point) => Number(point.index) > points.last);
  if (!fresh.length) return points;
  const curves = { ...points.curves };
  const grown = new Set<string>();
  let last = points.last;
  for (const { name, step, value, index } of fresh) {
    const before = curves[name] ?? { name, steps: [], values: [] };
    const curve = grown.has(name) ? before : { name, steps: [...before.steps], values: [...before.values] };
    grown.add(name);
    curve.steps.push(Number(step));
    curve.values.push(value);
    curves[name] = curve;
    last = Math.max(last, Number(index));
  }
  return { last, curves };
}

const SPLITS: [RegExp, 'train' | 'validation' | 'test'][] = [
  [/^train(?:ing)?[_/.-]|[_/.-]train$/, 'train'],
  [/^(?:val|valid|validation|eval)[_/.-]|[_/.-]val$/, 'validation'],
  [/^test[_/.-]|[_/.-]test$/, 'test'],
];

export interface MetricName {
  /** `loss` of `val_loss` */
  family: string;
  split: 'train' | 'validation' | 'test' | '';
}

export function nameOf(metric: string): MetricName {
  for (const [pattern, split] of SPLITS) {
    if (pattern.test(metric)) return { family: metric.replace(pattern, ''), split };
  }
  return { family: metric, split: '' };
}

export interface Family {
  name: string;
  curves: Curve[];
}

/** Loss first, then what is judged by, then the rest by name. */
const FIRST = ['loss', 'accuracy'];

/** Charts for what has a course, training and validation of one metric together; figures for single values. */
export function arrange(points: Points): { families: Family[]; figures: Curve[] } {
  const all = Object.values(points.curves);
  const families = new Map<string, Curve[]>();
  for (const curve of all.filter(({ values }) => values.length > 1)) {
    const { family } = nameOf(curve.name);
    families.set(family, [...(families.get(family) ?? []), curve]);
  }
  const place = (name: string) => (FIRST.includes(name) ? FIRST.indexOf(name) : FIRST.length);
  return {
    families: [...families]
      .map(([name, curves]) => ({ name, curves }))
      .sort((a, b) => place(a.name) - place(b.name) || a.name.localeCompare(b.name)),
    figures: all.filter(({ values }) => values.length === 1),
  };
}

/** Exponential moving average, corrected for its beginning; `weight` from 0 (as it is) to below 1. */
export function smooth(values: number[], weight: number): number[] {
  if (!weight) return values;
  let sum = 0;
  let norm = 0;
  return values.map((value) => {
    if (!Number.isFinite(value)) return value;
    sum = sum * weight + (1 - weight) * value;
    norm = norm * weight + (1 - weight);
    return sum / norm;
  });
}

/** Four digits, and powers of ten for the very small and large. */
export function figure(value: number | undefined): string {
  if (value === undefined || !Number.isFinite(value)) return '–';
  const size = Math.abs(value);
  if (Number.isInteger(value) && size < 1e6) return String(value);
  return size !== 0 && (size < 1e-3 || size >= 1e6) ? value.toExponential(2) : String(Number(value.toPrecision(4)));
}
