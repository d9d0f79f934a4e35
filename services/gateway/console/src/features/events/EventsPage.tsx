import { PauseOutlined, PlayCircleOutlined } from '@ant-design/icons';
import { Button, Card, Flex, Input, Segmented, Typography } from 'antd';
import { useDeferredValue, useMemo, useState } from 'react';
import { useTranslation } from 'react-i18next';

import { useLive } from '@/api/live';
import type { PlatformEvent } from '@/api/types';
import { EmptyHint } from '@/components/EmptyHint';
import { count } from '@/components/format';
import { useFilter } from '@/components/list';
import { Page } from '@/components/Page';
import { StateTag } from '@/components/StateTag';
import { lazily } from '@/components/lazily';

import { EventTable } from './EventTable';
import { type From, KEPT, useEventLog } from './log';
import { useEventName } from './names';
import { TypeFilter } from './TypeFilter';

const EventDrawer = lazily(async () => (await import('./EventDrawer')).EventDrawer);

export default function EventsPage() {
  const { t } = useTranslation();
  const live = useLive();
  const name = useEventName();
  const [type, setType] = useFilter('type');
  const [fromText, setFrom] = useFilter('from');
  const [find, setFind] = useState('');
  const [paused, setPaused] = useState(false);
  const [opened, setOpened] = useState<PlatformEvent | null>(null);
  const from: From = fromText === 'start' ? 'start' : 'now';
  const { events, held, stream } = useEventLog(from, type, paused);
  const connection = stream ?? (live ? 'open' : 'connecting');

  const wanted = useDeferredValue(find.trim().toLowerCase());
  const found = useMemo(() => {
    if (!wanted) return events;
    const text = (event: PlatformEvent) => `${event.type} ${name(event.type)} ${event.subject} ${event.actor} ${event.data}`;
    return events.filter((event) => text(event).toLowerCase().includes(wanted));
  }, [events, wanted, name]);

  const empty = wanted ? (
    <EmptyHint text={t('events.emptyFound')} />
  ) : (
    <EmptyHint text={from === 'now' ? t('events.emptyNow') : t('events.emptyStart')}>
      {from === 'now' && <Button onClick={() => setFrom('start')}>{t('events.seeStart')}</Button>}
    </EmptyHint>
  );

  return (
    <Page
      title={t('events.title')}
      lead={t('events.lead')}
      beside={<StateTag mood={connection === 'open' ? 'good' : 'waiting'}>{t(`events.connection.${connection}`)}</StateTag>}
      actions={
        <Button
          icon={paused ? <PlayCircleOutlined /> : <PauseOutlined />}
          aria-pressed={paused}
          onClick={() => setPaused(!paused)}
        >
          {paused ? t('events.resume') : t('events.pause')}
        </Button>
      }
    >
      <Card styles={{ body: { padding: 12 } }}>
        <Flex gap={8} wrap align="center" style={{ marginBlockEnd: 12 }}>
          <Segmented<From>
            aria-label={t('events.from')}
            value={from}
            onChange={(chosen) => setFrom(chosen === 'start' ? 'start' : undefined)}
            options={[
              { value: 'now', label: t('events.fromNow') },
              { value: 'start', label: t('events.fromStart') },
            ]}
          />
          <TypeFilter value={type} onChange={setType} />
          <Input.Search
            allowClear
            aria-label={t('events.find')}
            placeholder={t('events.find')}
            value={find}
            onChange={(change) => setFind(change.target.value)}
            style={{ width: 240 }}
          />
          <Typography.Text type="secondary" className="numbers" role="status" style={{ marginInlineStart: 'auto' }}>
            {paused && held > 0 ? t('events.held', { count: held }) : t('events.shown', { count: found.length })}
            {events.length >= KEPT && ` · ${t('events.limit', { count: count(KEPT) as unknown as number })}`}
          </Typography.Text>
        </Flex>
        <EventTable events={found} empty={empty} onOpen={setOpened} />
      </Card>
      <EventDrawer event={opened} onClose={() => setOpened(null)} />
    </Page>
  );
}
