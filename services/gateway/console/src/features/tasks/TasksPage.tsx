import { PlusOutlined } from '@ant-design/icons';
import { Button, Progress, Select, type TableColumnsType, Tooltip, Typography } from 'antd';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';

import type { Task, TaskState } from '@/api/types';
import { EmptyHint } from '@/components/EmptyHint';
import { duration, percent, When } from '@/components/format';
import { ListTable, useFilter } from '@/components/list';
import { Page } from '@/components/Page';
import { waitingText } from '@/components/waiting';
import { useAlgorithmTitle } from '@/features/algorithms/title';

import { ACTIVE, useNames, useProgressInList, useTasks } from './api';
import { LinkButton } from './LinkButton';
import { STATES, TaskStateTag } from './TaskStateTag';
import { secondsBetween, trained, useNow } from './time';

function NewTask() {
  const { t } = useTranslation();
  return (
    <LinkButton to="/tasks/new" type="primary" icon={<PlusOutlined />}>
      {t('tasks.create')}
    </LinkButton>
  );
}

export default function TasksPage() {
  const { t } = useTranslation();
  const [state, setState] = useFilter('state');
  const list = useTasks(STATES.includes(state as TaskState) ? (state as TaskState) : '');
  const moving = list.items.some((task) => ACTIVE.has(task.state));
  const columns = useColumns(moving);
  useProgressInList(list.items);
  return (
    <Page title={t('tasks.title')} lead={t('tasks.lead')} actions={<NewTask />}>
      <ListTable
        label={t('tasks.title')}
        list={list}
        columns={columns}
        width={1000}
        empty={
          state ? (
            <EmptyHint text={t('tasks.noneOfState')}>
              <Button onClick={() => setState(undefined)}>{t('tasks.showAll')}</Button>
            </EmptyHint>
          ) : (
            <EmptyHint text={t('tasks.none')}>
              <NewTask />
            </EmptyHint>
          )
        }
        filters={
          <Select
            aria-label={t('tasks.filterState')}
            placeholder={t('tasks.filterState')}
            allowClear
            style={{ minWidth: 168 }}
            value={state || undefined}
            onChange={(chosen: string | undefined) => setState(chosen)}
            options={STATES.map((value) => ({ value, label: t(`tasks.states.${value}`) }))}
          />
        }
      />
    </Page>
  );
}

function useColumns(moving: boolean): TableColumnsType<Task> {
  const { t } = useTranslation();
  const names = useNames();
  const titleOf = useAlgorithmTitle();
  const now = useNow(moving);
  return [
    {
      title: t('common.name'),
      key: 'name',
      width: 215,
      ellipsis: true,
      render: (_, task) => (
        <>
          <Link to={`/tasks/${task.id}`} title={task.name}>
            {task.name}
          </Link>
          {task.note && (
            <Typography.Text type="secondary" ellipsis style={{ display: 'block', fontSize: 12 }} title={task.note}>
              {task.note}
            </Typography.Text>
          )}
        </>
      ),
    },
    { title: t('common.state'), key: 'state', width: 165, render: (_, task) => <StateCell task={task} /> },
    {
      title: t('tasks.dataset'),
      key: 'dataset',
      width: 165,
      ellipsis: true,
      render: (_, task) => (
        <Link to={`/datasets/${task.dataset_id}`}>{names.datasets?.get(task.dataset_id) ?? task.dataset_id}</Link>
      ),
    },
    {
      title: t('tasks.algorithm'),
      key: 'algorithm',
      width: 165,
      ellipsis: true,
      render: (_, task) => {
        const algorithm = names.algorithms?.get(task.algorithm_id);
        return algorithm ? titleOf(algorithm) : task.algorithm_id;
      },
    },
    { title: t('tasks.scores'), key: 'scores', width: 120, render: (_, task) => <ScoresCell task={task} /> },
    {
      title: t('tasks.time'),
      key: 'time',
      width: 80,
      className: 'numbers',
      render: (_, task) => {
        const seconds = trained(task, now);
        return seconds === undefined ? '–' : duration(seconds);
      },
    },
    { title: t('common.updated'), key: 'updated', width: 95, render: (_, task) => <When at={task.updated_at} /> },
  ];
}

function StateCell({ task }: { task: Task }) {
  const { t } = useTranslation();
  if (task.state === 'STATE_WAITING') {
    return (
      <Tooltip title={waitingText(t, task.waiting_reason) || t('tasks.waiting.unknown')}>
        <span tabIndex={0}>
          <TaskStateTag state={task.state} />
        </span>
      </Tooltip>
    );
  }
  const left = secondsBetween(new Date().toISOString(), task.expected_end_at, Date.now());
  return (
    <>
      <TaskStateTag state={task.state} />
      {task.state === 'STATE_TRAINING' && (
        <>
          <Progress
            percent={Math.floor(task.progress * 100)}
            size="small"
            status="active"
            aria-label={t('tasks.progressOf', { name: task.name })}
            style={{ margin: '2px 0 0' }}
          />
          {task.expected_end_at && left !== undefined && left > 0 && (
            <Typography.Text type="secondary" style={{ fontSize: 12 }}>
              {t('tasks.expectedEnd')} <When at={task.expected_end_at} />
            </Typography.Text>
          )}
        </>
      )}
    </>
  );
}

function ScoresCell({ task: { scores } }: { task: Task }) {
  const { t } = useTranslation();
  if (!scores) return <>–</>;
  const rest = (['precision', 'recall', 'f1'] as const)
    .map((name) => `${t(`tasks.metric.${name}`)} ${percent(scores[name])}`)
    .join(' · ');
  return (
    <Tooltip title={rest}>
      <span className="numbers" tabIndex={0} style={{ whiteSpace: 'nowrap' }}>
        {t('tasks.metric.accuracy')} {percent(scores.accuracy)}
      </span>
    </Tooltip>
  );
}
