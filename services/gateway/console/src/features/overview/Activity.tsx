import { Typography } from 'antd';
import { useTranslation } from 'react-i18next';

import { EmptyHint } from '@/components/EmptyHint';
import { When } from '@/components/format';
import { useEventName } from '@/features/events/names';
import { pageOf } from '@/features/events/subject';

import { useActivity } from './activity';
import { Line, Lines } from './Line';
import { Section } from './Section';

/** What happened last to each resource. */
export function Activity() {
  const { t } = useTranslation();
  const words = useEventName();
  const { happenings, pending } = useActivity();
  return (
    <Section title={t('overview.activity')} to="/events" pending={pending}>
      {happenings.length === 0 && <EmptyHint text={t('overview.activityEmpty')} />}
      <Lines>
        {happenings.map(({ subject, name, type, time }) => (
          <Line
            key={subject}
            name={name || subject}
            to={pageOf(subject)}
            beside={
              <>
                <Typography.Text>{words(type)}</Typography.Text>
                <Typography.Text type="secondary">
                  <When at={time} />
                </Typography.Text>
              </>
            }
          />
        ))}
      </Lines>
    </Section>
  );
}
