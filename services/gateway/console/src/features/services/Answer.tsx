import { Button, Flex, theme, Typography } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';

import type { Prediction } from '@/api/types';
import { percent } from '@/components/format';

const FIRST = 10;

interface Props {
  prediction: Prediction;
  model_number: string;
  /** How long it took, in milliseconds. */
  ms: number;
}

/** What the model says, and how sure it is of each label. */
export function Answer({ prediction, model_number: number, ms }: Props) {
  const { t } = useTranslation();
  return (
    <Flex vertical gap={4}>
      <Typography.Title level={2} style={{ fontSize: 26, margin: 0, overflowWrap: 'anywhere' }}>
        {prediction.label}
      </Typography.Title>
      <Typography.Text className="numbers">
        {t('services.test.confidence', { value: percent(prediction.confidence, 2) })}
      </Typography.Text>
      <Typography.Text type="secondary" className="numbers" style={{ marginBlockEnd: 8 }}>
        {t('services.test.took', { ms: Math.round(ms) })}
        {' · '}
        {t('services.test.answeredBy', { number })}
      </Typography.Text>
      <Probabilities of={prediction.probabilities} />
    </Flex>
  );
}

function Probabilities({ of }: { of: Record<string, number> }) {
  const { t } = useTranslation();
  const [all, setAll] = useState(false);
  const sorted = Object.entries(of).sort(([, one], [, other]) => other - one);
  const shown = all ? sorted : sorted.slice(0, FIRST);
  const widest = Math.max(...shown.map(([label]) => widthOf(label)));
  return (
    <>
      <ul aria-label={t('services.test.probabilities')} style={{ listStyle: 'none', margin: 0, padding: 0 }}>
        {shown.map(([label, probability]) => (
          <Bar key={label} label={label} width={`min(34%, ${widest + 1}ch)`} probability={probability} />
        ))}
      </ul>
      {sorted.length > FIRST && (
        <Button type="link" size="small" style={{ alignSelf: 'flex-start', paddingInline: 0 }} onClick={() => setAll(!all)}>
          {all
            ? t('services.test.showFewer', { count: FIRST })
            : t('services.test.showAll', { count: sorted.length })}
        </Button>
      )}
    </>
  );
}

/** In widths of a digit; Chinese takes two. */
function widthOf(text: string): number {
  return [...text].reduce((width, character) => width + (character > '\u2e80' ? 2 : 1), 0);
}

interface BarProps {
  label: string;
  /** Of the label. */
  width: string;
  probability: number;
}

function Bar({ label, width, probability }: BarProps) {
  const { token } = theme.useToken();
  return (
    <Flex component="li" align="center" gap={8} style={{ paddingBlock: 2 }}>
      <Typography.Text ellipsis={{ tooltip: label }} style={{ width, flex: 'none' }}>
        {label}
      </Typography.Text>
      <div aria-hidden style={{ flex: 1, height: 12, background: token.colorFillTertiary, borderRadius: 3 }}>
        <div
          style={{
            width: `${probability * 100}%`,
            height: '100%',
            background: token.colorPrimary,
            borderRadius: 3,
          }}
        />
      </div>
      <span className="numbers" style={{ width: 64, textAlign: 'end' }}>
        {percent(probability, 2)}
      </span>
    </Flex>
  );
}
