import { Alert, Card, Flex, Tabs } from 'antd';
import { useTranslation } from 'react-i18next';
import { useParams } from 'react-router';

import type { Task } from '@/api/types';
import { Loading } from '@/app/states';
import { ErrorResult } from '@/components/errors';
import { useFilter } from '@/components/list';
import { Page } from '@/components/Page';
import { lazily } from '@/components/lazily';
import { isHopeless, waitingText } from '@/components/waiting';

import { useTask } from './api';
import { Failure } from './page/Failure';
import { ModelLink } from './page/ModelLink';
import { RunCard } from './page/RunCard';
import { TaskActions } from './page/TaskActions';
import { TaskStateTag } from './TaskStateTag';

const CurvesTab = lazily(async () => (await import('./curves/CurvesTab')).CurvesTab);
const LogTab = lazily(async () => (await import('./log/LogTab')).LogTab);
const ReportTab = lazily(async () => (await import('./report/ReportTab')).ReportTab);
const SettingsTab = lazily(async () => (await import('./page/SettingsTab')).SettingsTab);

const TABS = ['curves', 'log', 'report', 'settings'] as const;
type Tab = (typeof TABS)[number];

export default function TaskPage() {
  const { id = '' } = useParams();
  const task = useTask(id);
  if (task.data) return <Shown task={task.data} />;
  if (task.error) return <ErrorResult error={task.error} onRetry={() => void task.refetch()} />;
  return <Loading />;
}

function Shown({ task }: { task: Task }) {
  const { t } = useTranslation();
  const [asked, setTab] = useFilter('tab');
  const tab = TABS.find((name) => name === asked) ?? usual(task);
  return (
    <Page
      title={task.name}
      parent={{ title: t('tasks.title'), to: '/tasks' }}
      beside={<TaskStateTag state={task.state} />}
      lead={task.note && <span style={{ whiteSpace: 'pre-wrap', overflowWrap: 'anywhere' }}>{task.note}</span>}
      actions={
        <>
          {task.model_version_id && <ModelLink versionId={task.model_version_id} />}
          <TaskActions task={task} />
        </>
      }
    >
      <Flex vertical gap={16}>
        {task.state === 'STATE_WAITING' && (
          <Alert
            type={isHopeless(task.waiting_reason) ? 'error' : 'warning'}
            showIcon
            role="status"
            title={t('tasks.waiting.title')}
            description={waitingText(t, task.waiting_reason) || t('tasks.waiting.unknown')}
          />
        )}
        {task.state === 'STATE_FAILED' && <Failure task={task} onLog={() => setTab('log')} />}
        {task.run_number > 0 && <RunCard task={task} />}
        <Card styles={{ body: { paddingBlockStart: 4 } }}>
          {/* Only the open tab is drawn: each may hold a stream. */}
          <Tabs
            activeKey={tab}
            onChange={setTab}
            destroyOnHidden
            items={TABS.map((key) => ({ key, label: t(`tasks.page.tabs.${key}`), children: content(key, task) }))}
          />
        </Card>
      </Flex>
    </Page>
  );
}

function usual({ state, scores }: Task): Tab {
  if (scores) return 'report';
  if (state === 'STATE_DRAFT') return 'settings';
  return state === 'STATE_FAILED' ? 'log' : 'curves';
}

function content(tab: Tab, task: Task) {
  switch (tab) {
    case 'curves':
      return <CurvesTab key={task.run_number} task={task} />;
    case 'log':
      return <LogTab key={task.run_number} task={task} />;
    case 'report':
      return <ReportTab task={task} />;
    case 'settings':
      return <SettingsTab task={task} />;
  }
}
