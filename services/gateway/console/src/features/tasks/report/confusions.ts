import type { Report } from '@/api/types';

export interface Confused {
  actual: string;
  predicted: string;
  count: number;
  /** Share of the samples of the true class. */
  share: number;
}

/** The matrix as numbers: rows are true classes. */
export function matrixOf(report: Report): number[][] {
  return report.confusion_matrix.map(({ counts }) => counts.map(Number));
}

/** Pairs of classes that were taken for each other, the most frequent first. */
export function confusionsOf(report: Report): Confused[] {
  const { classes } = report;
  return matrixOf(report)
    .flatMap((row, actual) => {
      const total = row.reduce((sum, n) => sum + n, 0);
      return row.flatMap((count, predicted) =>
        count && predicted !== actual
          ? [{ actual: classes[actual] ?? '', predicted: classes[predicted] ?? '', count, share: count / total }]
          : [],
      );
    })
    .sort((a, b) => b.count - a.count);
}
