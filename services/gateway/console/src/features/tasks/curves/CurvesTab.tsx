import { Alert, Card, Flex, Skeleton, Slider, Statistic, Switch, Typography } from 'antd';
import { useId, useMemo, useState } from 'react';
import { useTranslation } from 'react-i18next';

import type { Task } from '@/api/types';
import { EmptyHint } from '@/components/EmptyHint';
import { ErrorAlert } from '@/components/errors';

import { ACTIVE } from '../api';
import { MetricChart } from './MetricChart';
import { arrange, figure } from './metrics';
import { useMetricName } from './useMetricName';
import { useMetrics } from './useMetrics';

const SMOOTHEST = 0.98;

export function CurvesTab({ task }: { task: Task }) {
  const { t } = useTranslation();
  const { query, points, broken } = useMetrics(task);
  const [smoothing, setSmoothing] = useState(0);
  const [logScale, setLogScale] = useState(false);
  const logId = useId();
  const nameOf = useMetricName();
  const { families, figures } = useMemo(() => arrange(points), [points]);

  if (query.isPending) return <Skeleton active />;
  if (query.error && !points.last) return <ErrorAlert error={query.error} onRetry={() => void query.refetch()} />;
  if (!points.last) return <EmptyHint text={t(emptyText(task))} />;
  return (
    <Flex vertical gap={16}>
      {broken && <Alert type="warning" showIcon title={t('tasks.curves.broken')} />}
      {families.length > 0 && (
        <Flex gap={24} align="center" wrap>
          <Flex gap={12} align="center" style={{ width: 240 }}>
            <span>{t('tasks.curves.smoothing')}</span>
            <Slider
              min={0}
              max={SMOOTHEST}
              step={0.01}
              value={smoothing}
              onChange={setSmoothing}
              ariaLabelForHandle={t('tasks.curves.smoothing')}
              style={{ flex: 1 }}
            />
          </Flex>
          <Flex gap={8} align="center">
            <Switch id={logId} size="small" checked={logScale} onChange={setLogScale} />
            <label htmlFor={logId}>{t('tasks.curves.log')}</label>
          </Flex>
          <Typography.Text type="secondary">{t('tasks.curves.help')}</Typography.Text>
        </Flex>
      )}
      <div style={{ display: 'grid', gap: 16, gridTemplateColumns: 'repeat(auto-fit, minmax(min(420px, 100%), 1fr))' }}>
        {families.map((family) => (
          <MetricChart key={family.name} family={family} smoothing={smoothing} logScale={logScale} />
        ))}
      </div>
      {figures.length > 0 && (
        <Card size="small" title={t('tasks.curves.figures')}>
          <Flex gap={32} wrap>
            {figures.map(({ name, values }) => (
              <Statistic key={name} title={nameOf(name, false)} value={figure(values[0])} />
            ))}
          </Flex>
        </Card>
      )}
    </Flex>
  );
}

function emptyText({ state }: Task) {
  if (state === 'STATE_DRAFT') return 'tasks.curves.draft';
  return ACTIVE.has(state) ? 'tasks.curves.waiting' : 'tasks.curves.none';
}
