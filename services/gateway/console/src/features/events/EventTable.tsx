import { Button, type TableColumnsType, Typography } from 'antd';
import { type ReactNode, useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';

import type { PlatformEvent } from '@/api/types';
import { Table } from '@/components/Table';

import { useEventName } from './names';
import { nameOf, SubjectLink } from './subject';

const ABOVE = 330;
const LEAST = 280;

/** Height left for the rows below all that stands above them. */
function useHeight(): number {
  const [height, setHeight] = useState(window.innerHeight - ABOVE);
  useEffect(() => {
    const measure = () => setHeight(window.innerHeight - ABOVE);
    window.addEventListener('resize', measure);
    return () => window.removeEventListener('resize', measure);
  }, []);
  return Math.max(height, LEAST);
}

interface Props {
  events: PlatformEvent[];
  empty: ReactNode;
  onOpen: (event: PlatformEvent) => void;
}

/** Thousands of events, of which those in sight are drawn. */
export function EventTable({ events, empty, onOpen }: Props) {
  const { t, i18n } = useTranslation();
  const name = useEventName();
  const height = useHeight();
  const locale = i18n.language === 'en' ? 'en' : 'zh-CN';
  const columns: TableColumnsType<PlatformEvent> = [
    {
      title: t('events.time'),
      width: 170,
      render: (_, event) => (
        <time dateTime={event.time} className="numbers">
          {new Date(event.time ?? '').toLocaleString(locale)}
        </time>
      ),
    },
    {
      title: t('events.type'),
      width: 310,
      render: (_, event) => (
        <>
          <Button
            type="link"
            size="small"
            style={{ paddingInline: 0, marginInlineEnd: 8 }}
            aria-label={t('events.open', { type: name(event.type) })}
            onClick={() => onOpen(event)}
          >
            {name(event.type)}
          </Button>
          <Typography.Text type="secondary" style={{ fontSize: 12 }}>
            {event.type}
          </Typography.Text>
        </>
      ),
    },
    {
      title: t('events.subject'),
      width: 280,
      ellipsis: true,
      render: (_, event) => <SubjectLink subject={event.subject} name={nameOf(event)} />,
    },
    { title: t('events.actor'), width: 220, dataIndex: 'actor', ellipsis: true },
  ];
  return (
    <Table<PlatformEvent>
      aria-label={t('events.list')}
      rowKey="id"
      size="small"
      virtual
      columns={columns}
      dataSource={events}
      pagination={false}
      scroll={{ x: 980, y: height }}
      locale={{ emptyText: empty }}
      onRow={(event) => ({ onClick: () => onOpen(event), style: { cursor: 'pointer' } })}
    />
  );
}
