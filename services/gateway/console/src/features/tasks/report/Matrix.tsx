import { theme } from 'antd';
import type { CSSProperties } from 'react';
import { useTranslation } from 'react-i18next';

import type { Report } from '@/api/types';

import { confusionsOf, matrixOf } from './confusions';

/** Of colour in percent; the number stays legible on it. */
const STRONGEST = 45;

/**
 * The confusion matrix as a table. On the diagonal, colour tells the share of the true class; beside it, the share
 * compared with the worst confusion, so that this one is seen.
 */
export function Matrix({ report }: { report: Report }) {
  const { t } = useTranslation();
  const { token } = theme.useToken();
  const { classes } = report;
  const rows = matrixOf(report);
  const cell: CSSProperties = {
    border: `1px solid ${token.colorBorderSecondary}`,
    padding: '4px 8px',
    textAlign: 'end',
    minWidth: 36,
  };
  const head: CSSProperties = {
    ...cell,
    fontWeight: 500,
    maxWidth: 140,
    overflow: 'hidden',
    textOverflow: 'ellipsis',
    whiteSpace: 'nowrap',
    background: token.colorFillQuaternary,
  };
  const worst = Math.max(...confusionsOf(report).map(({ share }) => share), 0);
  const tint = (share: number, right: boolean) => {
    if (!share) return undefined;
    const strength = (right ? share : share / worst) * STRONGEST;
    return `color-mix(in srgb, ${right ? token.colorSuccess : token.colorError} ${strength.toFixed(1)}%, transparent)`;
  };
  return (
    <div style={{ overflowX: 'auto' }} tabIndex={0} role="region" aria-label={t('tasks.report.confusion')}>
      <table className="numbers" style={{ borderCollapse: 'collapse', fontSize: 12 }}>
        <thead>
          <tr>
            <th scope="col" style={{ ...head, textAlign: 'start' }}>
              {`${t('tasks.report.truth')} \\ ${t('tasks.report.predicted')}`}
            </th>
            {classes.map((name) => (
              <th key={name} scope="col" title={name} style={head}>
                {name}
              </th>
            ))}
            <th scope="col" style={head}>
              {t('tasks.report.total')}
            </th>
          </tr>
        </thead>
        <tbody>
          {rows.map((row, actual) => {
            const total = row.reduce((sum, n) => sum + n, 0);
            return (
              <tr key={classes[actual]}>
                <th scope="row" title={classes[actual]} style={{ ...head, textAlign: 'start' }}>
                  {classes[actual]}
                </th>
                {row.map((n, predicted) => (
                  <td
                    key={classes[predicted]}
                    title={t('tasks.report.cell', { actual: classes[actual], predicted: classes[predicted], count: n })}
                    style={{
                      ...cell,
                      background: tint(total ? n / total : 0, actual === predicted),
                      color: n ? token.colorText : token.colorTextTertiary,
                      fontWeight: actual === predicted ? 600 : 400,
                    }}
                  >
                    {n || '·'}
                  </td>
                ))}
                <td style={{ ...cell, color: token.colorTextSecondary }}>{total}</td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}
