import { Button, Progress, Typography } from 'antd';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';

import type { Task } from '@/api/types';
import { EmptyHint } from '@/components/EmptyHint';
import { When } from '@/components/format';
import { StateTag } from '@/components/StateTag';
import { waitingText } from '@/components/waiting';

import { useBusy } from './api';
import { Line, Lines } from './Line';
import { Section } from './Section';

/** What runs or waits at the moment, and why it waits. */
export function Busy() {
  const { t } = useTranslation();
  const { tasks, services } = useBusy();
  const nothing = tasks.data?.length === 0 && services.data?.length === 0;
  return (
    <Section
      title={t('overview.now')}
      to="/tasks"
      pending={tasks.isPending || services.isPending}
      error={tasks.error ?? services.error}
    >
      {nothing && (
        <EmptyHint text={t('overview.nowEmpty')}>
          <Link to="/tasks/new">
            <Button tabIndex={-1}>{t('overview.newTask')}</Button>
          </Link>
        </EmptyHint>
      )}
      <Lines>
        {tasks.data?.map((task) => <BusyTask key={task.id} task={task} />)}
        {services.data?.map((service) => (
          <Line
            key={service.id}
            name={service.name}
            to={`/services/${service.id}`}
            beside={<StateTag mood="busy">{t('overview.starting')}</StateTag>}
          >
            <Typography.Text type="secondary">{waitingText(t, service.waiting_reason)}</Typography.Text>
          </Line>
        ))}
      </Lines>
    </Section>
  );
}

function BusyTask({ task }: { task: Task }) {
  const { t } = useTranslation();
  const training = task.state === 'STATE_TRAINING';
  return (
    <Line
      name={task.name}
      to={`/tasks/${task.id}`}
      beside={
        <>
          <When at={training ? task.started_at : task.submitted_at} />
          <StateTag mood={training ? 'busy' : 'waiting'}>{training ? t('overview.training') : t('overview.waiting')}</StateTag>
        </>
      }
    >
      {training ? (
        <Progress
          percent={Math.floor(task.progress * 100)}
          size="small"
          aria-label={t('overview.progressOf', { name: task.name })}
          style={{ marginBlockEnd: 0 }}
        />
      ) : (
        <Typography.Text type="secondary">{waitingText(t, task.waiting_reason)}</Typography.Text>
      )}
    </Line>
  );
}
