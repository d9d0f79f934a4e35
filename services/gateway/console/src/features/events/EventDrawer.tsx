import { Descriptions, Drawer, Typography } from 'antd';
import { useTranslation } from 'react-i18next';

import type { PlatformEvent } from '@/api/types';
import { Id, When } from '@/components/format';

import { useEventName } from './names';
import { nameOf, SubjectLink } from './subject';

interface Props {
  event: PlatformEvent | null;
  onClose: () => void;
}

/** Indented where it is JSON. */
export function indented(data: string): string {
  try {
    return JSON.stringify(JSON.parse(data), null, 2);
  } catch {
    return data;
  }
}

export function EventDrawer({ event, onClose }: Props) {
  const { t } = useTranslation();
  const name = useEventName();
  return (
    <Drawer open={event !== null} onClose={onClose} size={620} title={event ? name(event.type) : ''} destroyOnHidden>
      {event && (
        <>
          <Descriptions
            column={1}
            size="small"
            bordered
            items={[
              { label: t('events.type'), children: <Typography.Text code>{event.type}</Typography.Text> },
              { label: t('events.subject'), children: <SubjectLink subject={event.subject} name={nameOf(event)} /> },
              { label: t('events.time'), children: <When at={event.time} /> },
              { label: t('events.actor'), children: event.actor },
              { label: t('events.project'), children: event.project },
              { label: t('events.source'), children: event.source },
              { label: t('events.sequence'), children: event.sequence },
              { label: t('events.cursor'), children: event.cursor },
              { label: t('common.id'), children: <Id value={event.id} /> },
              { label: t('events.traceparent'), children: <Id value={event.traceparent} /> },
            ]}
          />
          <Typography.Title level={2} style={{ fontSize: 16, marginBlock: '20px 8px' }}>
            {t('events.data')}
          </Typography.Title>
          <Typography.Paragraph copyable={{ text: indented(event.data), tooltips: [t('common.copy'), t('common.copied')] }}>
            <pre tabIndex={0} style={{ whiteSpace: 'pre-wrap', overflowWrap: 'anywhere', fontSize: 12 }}>
              {indented(event.data)}
            </pre>
          </Typography.Paragraph>
        </>
      )}
    </Drawer>
  );
}
