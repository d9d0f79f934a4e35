import { CheckCircleFilled, CloseCircleFilled, ClockCircleOutlined, LoadingOutlined } from '@ant-design/icons';
import { Card, Flex, Progress, theme, Typography } from 'antd';
import { useTranslation } from 'react-i18next';

import type { Step, Task } from '@/api/types';
import { duration } from '@/components/format';

import { ACTIVE } from '../api';
import { secondsBetween, trained, useNow } from '../time';
import { useStepName } from '../words';

type StepState = 'stepRunning' | 'stepFinished' | 'stepBroken';

/** How far the run is: progress with its expected end, and the steps. */
export function RunCard({ task }: { task: Task }) {
  const { t } = useTranslation();
  const now = useNow(ACTIVE.has(task.state));
  const stepName = useStepName();
  const seconds = trained(task, now);
  return (
    <Card
      size="small"
      title={t('tasks.page.steps')}
      extra={
        <Typography.Text type="secondary" className="numbers">
          {t('tasks.page.run', { number: task.run_number })}
          {seconds !== undefined && ` · ${t('tasks.time')} ${duration(seconds)}`}
        </Typography.Text>
      }
    >
      {task.state === 'STATE_TRAINING' && <Ahead task={task} now={now} />}
      {task.steps.length === 0 ? (
        <Typography.Text type="secondary">{t(ACTIVE.has(task.state) ? 'tasks.page.noSteps' : 'tasks.page.stepsGone')}</Typography.Text>
      ) : (
        <ol
          style={{ display: 'flex', flexWrap: 'wrap', gap: '12px 32px', margin: 0, padding: 0, listStyle: 'none' }}
          aria-label={t('tasks.page.steps')}
        >
          {task.steps.map((step) => {
            const state = stateOf(step, task);
            const end = state === 'stepFinished' ? step.finished_at : task.ended_at;
            const took = secondsBetween(step.started_at, end, now);
            return (
              <li key={step.name}>
                <Flex gap={8} align="flex-start">
                  <StepIcon state={state} />
                  <div>
                    <div>{stepName(step.name)}</div>
                    <Typography.Text type="secondary" className="numbers" style={{ fontSize: 12 }}>
                      {t(`tasks.page.${state}`)}
                      {took !== undefined && ` · ${duration(took)}`}
                    </Typography.Text>
                  </div>
                </Flex>
              </li>
            );
          })}
        </ol>
      )}
    </Card>
  );
}

function stateOf(step: Step, task: Task): StepState {
  if (step.state === 'finished') return 'stepFinished';
  return ACTIVE.has(task.state) ? 'stepRunning' : 'stepBroken';
}

function StepIcon({ state }: { state: StepState }) {
  const { token } = theme.useToken();
  const style = { marginBlockStart: 4 };
  if (state === 'stepFinished') return <CheckCircleFilled aria-hidden style={{ ...style, color: token.colorSuccess }} />;
  if (state === 'stepBroken') return <CloseCircleFilled aria-hidden style={{ ...style, color: token.colorError }} />;
  return <LoadingOutlined aria-hidden style={{ ...style, color: token.colorPrimary }} />;
}

function Ahead({ task, now }: { task: Task; now: number }) {
  const { t, i18n } = useTranslation();
  const left = task.expected_end_at ? (new Date(task.expected_end_at).getTime() - now) / 1000 : 0;
  return (
    <div style={{ marginBlockEnd: 12 }}>
      <Progress
        percent={Math.floor(task.progress * 1000) / 10}
        status="active"
        aria-label={t('tasks.progressOf', { name: task.name })}
      />
      {task.expected_end_at && left > 0 && (
        <Typography.Text type="secondary" className="numbers">
          <ClockCircleOutlined aria-hidden />{' '}
          {t('tasks.page.expected', {
            moment: new Date(task.expected_end_at).toLocaleTimeString(i18n.language === 'en' ? 'en' : 'zh-CN'),
            left: duration(left),
          })}
        </Typography.Text>
      )}
    </div>
  );
}
