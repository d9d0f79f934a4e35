import type { Report } from '@/api/types';

const GOOD = 0.95;
const FAIR = 0.8;
const FEW = 30;

export interface Verdict {
  total: number;
  right: number;
  advice: 'good' | 'fair' | 'poor';
  /** So few samples were judged that the figure says little. */
  small: boolean;
  /** What is mixed up most often. */
  worst: { truth: string; taken: string; count: number } | null;
}

/** A report in a few figures that everybody understands. */
export function verdict(report: Report): Verdict {
  const accuracy = report.overall?.accuracy ?? 0;
  const total = Number(report.test_samples);
  let worst: Verdict['worst'] = null;
  report.confusion_matrix.forEach(({ counts }, row) => {
    counts.forEach((text, column) => {
      const count = Number(text);
      if (row !== column && count > (worst?.count ?? 0)) {
        worst = { truth: report.classes[row] ?? '', taken: report.classes[column] ?? '', count };
      }
    });
  });
  return {
    total,
    right: Math.round(accuracy * total),
    advice: accuracy >= GOOD ? 'good' : accuracy >= FAIR ? 'fair' : 'poor',
    small: total < FEW,
    worst,
  };
}
