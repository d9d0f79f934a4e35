import { Button, Card, Flex, Typography } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';

import type { Report } from '@/api/types';
import { palette, useLook } from '@/app/theme';
import { EmptyHint } from '@/components/EmptyHint';
import { percent } from '@/components/format';

import { SamplePreview } from './SamplePreview';

const AT_ONCE = 12;

/** What was misjudged with most confidence. */
export function WorstSamples({ report, datasetId }: { report: Report; datasetId: string }) {
  const { t } = useTranslation();
  const [shown, setShown] = useState(AT_ONCE);
  const left = report.worst.length - shown;
  return (
    <Card size="small" title={t('tasks.report.worst')}>
      {report.worst.length === 0 ? (
        <EmptyHint text={t('tasks.report.worstNone')} />
      ) : (
        <Typography.Paragraph type="secondary">{t('tasks.report.worstHint')}</Typography.Paragraph>
      )}
      <ul
        aria-label={t('tasks.report.worst')}
        style={{
          display: 'grid',
          gap: 12,
          gridTemplateColumns: 'repeat(auto-fill, minmax(min(200px, 100%), 1fr))',
          listStyle: 'none',
          margin: 0,
          padding: 0,
        }}
      >
        {report.worst.slice(0, shown).map((sample, at) => (
          <li key={`${at} ${sample.path}`} style={{ minWidth: 0 }}>
            <Card size="small" style={{ height: '100%' }} styles={{ body: { padding: 10 } }}>
              <SamplePreview datasetId={datasetId} path={sample.path} text={sample.text} />
              <dl style={{ display: 'grid', gridTemplateColumns: 'auto 1fr', gap: '2px 10px', margin: '8px 0 0', fontSize: 12 }}>
                <Row name={t('tasks.report.actual')} value={sample.class_name} />
                <Row name={t('tasks.report.predictedAs')} value={sample.predicted} danger />
                <Row name={t('tasks.report.confidence')} value={percent(sample.confidence)} />
              </dl>
            </Card>
          </li>
        ))}
      </ul>
      {left > 0 && (
        <Flex justify="center" style={{ marginBlockStart: 12 }}>
          <Button onClick={() => setShown(report.worst.length)}>{t('tasks.report.showMore', { count: left })}</Button>
        </Flex>
      )}
    </Card>
  );
}

function Row({ name, value, danger = false }: { name: string; value: string; danger?: boolean }) {
  const { appearance } = useLook();
  return (
    <>
      <dt>
        <Typography.Text type="secondary">{name}</Typography.Text>
      </dt>
      <dd style={{ margin: 0, minWidth: 0 }}>
        <Typography.Text ellipsis={{ tooltip: value }} strong style={danger ? { color: palette[appearance].bad } : {}}>
          {value}
        </Typography.Text>
      </dd>
    </>
  );
}
