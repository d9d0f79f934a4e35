import { Card, Flex, Segmented, Skeleton, Statistic } from 'antd';
import { useTranslation } from 'react-i18next';

import type { TrafficPoint } from '@/api/types';
import { EmptyHint } from '@/components/EmptyHint';
import { ErrorAlert } from '@/components/errors';
import { count, percent } from '@/components/format';
import { useFilter } from '@/components/list';

import { useStatistics } from '../api';
import { LatencyChart } from './LatencyChart';
import { milliseconds, requestsOf } from './figures';
import { RequestsChart } from './RequestsChart';
import { isWindow, type Window, WINDOWS } from './windows';

/** How often the service was asked, how it answered, and how fast. */
export function Traffic({ serviceId }: { serviceId: string }) {
  const { t } = useTranslation();
  const [given, setWindow] = useFilter('window');
  const window: Window = isWindow(given) ? given : 'hour';
  const { seconds, points } = WINDOWS[window];
  const { data, error, refetch } = useStatistics(serviceId, seconds, points);
  return (
    <Flex vertical gap={16}>
      <Segmented<Window>
        aria-label={t('services.traffic.window')}
        style={{ alignSelf: 'flex-start' }}
        value={window}
        onChange={(chosen) => setWindow(chosen === 'hour' ? undefined : chosen)}
        options={(Object.keys(WINDOWS) as Window[]).map((value) => ({ value, label: t(`services.traffic.${value}`) }))}
      />
      <ErrorAlert error={data ? null : error} onRetry={() => void refetch()} />
      {!data && !error && <Skeleton active />}
      {data && !requestsOf(data.total) && <EmptyHint text={t('services.traffic.none')} />}
      {data && requestsOf(data.total) > 0 && (
        <>
          <Totals total={data.total} />
          <RequestsChart statistics={data} />
          <LatencyChart statistics={data} />
        </>
      )}
    </Flex>
  );
}

function Totals({ total }: { total: TrafficPoint }) {
  const { t } = useTranslation();
  const requests = requestsOf(total);
  const figures = {
    requests: count(requests),
    errors: percent((Number(total.refused) + Number(total.failed)) / requests),
    median: t('services.traffic.ms', { value: milliseconds(total.p50_ms) }),
    p95: t('services.traffic.ms', { value: milliseconds(total.p95_ms) }),
  };
  return (
    <Card size="small">
      <Flex gap={40} wrap>
        {Object.entries(figures).map(([name, value]) => (
          <Statistic key={name} title={t(`services.traffic.${name as keyof typeof figures}`)} value={value} />
        ))}
      </Flex>
    </Card>
  );
}
