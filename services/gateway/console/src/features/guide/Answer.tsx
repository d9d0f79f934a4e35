import { Flex, Progress, theme, Typography } from 'antd';
import { useTranslation } from 'react-i18next';

import type { Prediction } from '@/api/types';
import { percent } from '@/components/format';

const SHOWN = 3;
const SURE = 0.6;

/** The answer in large type, and what else it might be. */
export function Answer({ prediction }: { prediction: Prediction }) {
  const { t } = useTranslation();
  const { token } = theme.useToken();
  const likely = Object.entries(prediction.probabilities)
    .sort(([, a], [, b]) => b - a)
    .slice(0, SHOWN);
  return (
    <section aria-live="polite" aria-label={t('guide.answer')} style={{ marginBlockStart: 16 }}>
      <Typography.Text type="secondary">{t('guide.answer')}</Typography.Text>
      <div style={{ fontSize: 34, fontWeight: 700, lineHeight: 1.3, color: token.colorLink, overflowWrap: 'anywhere' }}>
        {prediction.label}
      </div>
      <Typography.Text>{t('guide.sure', { percent: percent(prediction.confidence) })}</Typography.Text>
      {prediction.confidence < SURE && (
        <Typography.Paragraph type="warning" style={{ margin: 0 }}>
          {t('guide.unsure')}
        </Typography.Paragraph>
      )}
      <div style={{ marginBlockStart: 12, maxWidth: 420 }}>
        {likely.map(([label, probability]) => (
          <Flex key={label} gap={12} align="center">
            <Typography.Text ellipsis title={label} style={{ width: 120, flexShrink: 0 }}>
              {label}
            </Typography.Text>
            <Progress
              percent={Math.round(probability * 1000) / 10}
              size="small"
              status="normal"
              aria-label={t('guide.sureOf', { label })}
              style={{ marginBlockEnd: 0 }}
            />
          </Flex>
        ))}
      </div>
    </section>
  );
}
