import { Alert, Button, Typography } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';

import type { Task } from '@/api/types';
import { useCommand } from '@/components/actions';

import { startAgain, useMetrics } from './api';
import type { Kind } from './files';
import { passesOf, standingOfTask } from './stages';
import { Working } from './Working';

/** A task as it waits and learns, or what became of it. */
export function Learning({ task, kind }: { task: Task; kind: Kind }) {
  const { t } = useTranslation();
  const [pass, setPass] = useState(0);
  const again = useCommand(() => startAgain(task), { changes: ['tasks'], onDone: () => setPass(0) });
  const training = task.state === 'STATE_TRAINING';
  const ended = task.state === 'STATE_FAILED' || task.state === 'STATE_STOPPED' || task.state === 'STATE_DRAFT';
  const passes = passesOf(task);

  // The accuracy is judged after each pass, with the number of the pass as its step.
  useMetrics(training && passes > 0 ? task.id : '', (point) => {
    if (point.name === 'accuracy') setPass(Number(point.step));
  });

  if (!ended) {
    return (
      <Working
        kind={kind}
        standing={standingOfTask(task)}
        pass={pass}
        passes={passes}
        expectedEnd={training ? task.expected_end_at : undefined}
      >
        {task.waiting_reason && !training && (
          <Typography.Text type="secondary">{t('guide.waitingReason', { reason: task.waiting_reason })}</Typography.Text>
        )}
      </Working>
    );
  }
  const failed = task.state === 'STATE_FAILED';
  return (
    <Working kind={kind} standing={{ stage: 'learn', fraction: task.progress }} failed>
      <Alert
        type={failed ? 'error' : 'warning'}
        showIcon
        role="alert"
        title={failed ? t('guide.learnFailed') : t('guide.learnStopped')}
        description={
          failed && (
            <>
              <div>{t('guide.learnFailedHint')}</div>
              <Typography.Text type="secondary" style={{ overflowWrap: 'anywhere' }}>
                {task.error}
              </Typography.Text>
            </>
          )
        }
        action={
          <Button type="primary" loading={again.isPending} onClick={() => again.mutate()}>
            {t('guide.learnAgain')}
          </Button>
        }
      />
    </Working>
  );
}
