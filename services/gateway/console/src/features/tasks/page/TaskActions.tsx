import {
  CaretRightOutlined,
  CloudUploadOutlined,
  CopyOutlined,
  DeleteOutlined,
  EditOutlined,
  EllipsisOutlined,
  PauseOutlined,
  ReloadOutlined,
} from '@ant-design/icons';
import { App, Button, Dropdown, Tooltip } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useNavigate } from 'react-router';

import type { Task } from '@/api/types';
import { useConfirmDelete } from '@/components/actions';
import { lazily } from '@/components/lazily';

import { ACTIVE, STARTABLE, useDeleteTask, useStartTask, useStopTask } from '../api';

const EditModal = lazily(async () => (await import('./EditModal')).EditModal);
const PublishModal = lazily(async () => (await import('./PublishModal')).PublishModal);

type Open = 'edit' | 'publish' | null;

/** What can be done with a task in its state: the one that suggests itself as a button, the rest in a menu. */
export function TaskActions({ task }: { task: Task }) {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const [open, setOpen] = useState<Open>(null);
  const confirmDelete = useConfirmDelete();
  const deletion = useDeleteTask(() => navigate('/tasks'));
  const start = useStart(task);
  const stop = useStop(task);
  const active = ACTIVE.has(task.state);
  const startable = STARTABLE.has(task.state);
  const draft = task.state === 'STATE_DRAFT';

  return (
    <>
      {startable && (
        <Button
          type="primary"
          icon={draft ? <CaretRightOutlined /> : <ReloadOutlined />}
          loading={start.isPending}
          onClick={start.run}
        >
          {t(draft ? 'tasks.page.start' : 'tasks.page.restart')}
        </Button>
      )}
      {active && (
        <Tooltip title={task.state === 'STATE_WAITING' ? t('tasks.page.waitingStop') : ''}>
          <Button
            danger
            icon={<PauseOutlined />}
            disabled={task.state === 'STATE_WAITING'}
            loading={stop.isPending}
            onClick={stop.run}
          >
            {t('tasks.page.stop')}
          </Button>
        </Tooltip>
      )}
      {task.state === 'STATE_FINISHED' && (
        <Button type="primary" icon={<CloudUploadOutlined />} onClick={() => setOpen('publish')}>
          {t('tasks.page.publish')}
        </Button>
      )}
      <Dropdown
        trigger={['click']}
        menu={{
          items: [
            {
              key: 'edit',
              icon: <EditOutlined />,
              label: t('tasks.page.edit'),
              disabled: !startable,
              title: startable ? '' : t('tasks.page.editHint'),
              onClick: () => setOpen('edit'),
            },
            {
              key: 'copy',
              icon: <CopyOutlined />,
              label: t('tasks.page.copy'),
              onClick: () => navigate(`/tasks/new?like=${encodeURIComponent(task.id)}`),
            },
            { type: 'divider' },
            {
              key: 'delete',
              icon: <DeleteOutlined />,
              label: t('common.delete'),
              danger: true,
              disabled: active,
              title: active ? t('tasks.page.deleteHint') : '',
              onClick: () => confirmDelete(task.name, () => deletion.mutateAsync(task.id)),
            },
          ],
        }}
      >
        <Button icon={<EllipsisOutlined />} aria-label={t('tasks.page.more')} aria-haspopup="menu" />
      </Dropdown>
      {open === 'edit' && <EditModal task={task} onClose={() => setOpen(null)} />}
      {open === 'publish' && <PublishModal task={task} onClose={() => setOpen(null)} />}
    </>
  );
}

/** Starting a draft costs nothing; starting anew loses the last run, so that is asked for. */
export function useStart(task: Task) {
  const { t } = useTranslation();
  const { modal } = App.useApp();
  const start = useStartTask();
  const run = () => {
    if (task.state === 'STATE_DRAFT') {
      start.mutate(task.id);
      return;
    }
    modal.confirm({
      title: t('tasks.page.restartAsk', { name: task.name }),
      content: t('tasks.page.restartHint'),
      okText: t('tasks.page.restart'),
      cancelText: t('common.cancel'),
      onOk: () => start.mutateAsync(task.id).catch(() => undefined),
    });
  };
  return { run, isPending: start.isPending };
}

function useStop(task: Task) {
  const { t } = useTranslation();
  const { modal } = App.useApp();
  const stop = useStopTask();
  const run = () =>
    modal.confirm({
      title: t('tasks.page.stopAsk', { name: task.name }),
      content: t('tasks.page.stopHint'),
      okText: t('tasks.page.stop'),
      okButtonProps: { danger: true },
      cancelText: t('common.cancel'),
      onOk: () => stop.mutateAsync(task.id).catch(() => undefined),
    });
  return { run, isPending: stop.isPending };
}
