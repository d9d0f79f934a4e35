import { DownloadOutlined, DownOutlined, UpOutlined } from '@ant-design/icons';
import { Alert, Button, Flex, Input, Skeleton, Space, Switch, Typography } from 'antd';
import { useDeferredValue, useId, useMemo, useState } from 'react';
import { useTranslation } from 'react-i18next';

import type { Task } from '@/api/types';
import { EmptyHint } from '@/components/EmptyHint';
import { ErrorAlert } from '@/components/errors';

import { ACTIVE } from '../api';
import { find, KEPT } from './lines';
import { LogView } from './LogView';
import { logUrl, useLog } from './useLog';

export function LogTab({ task }: { task: Task }) {
  const { t } = useTranslation();
  const active = ACTIVE.has(task.state);
  const log = useLog(task.id, task.run_number, active);
  const [follow, setFollow] = useState(true);
  const [wanted, setWanted] = useState('');
  const [at, setAt] = useState(0);
  const followId = useId();
  const lookedFor = useDeferredValue(wanted);
  const { kept, dropped } = log.lines;
  const found = useMemo(() => find(kept, lookedFor), [kept, lookedFor]);
  const current = found.length ? Math.min(at, found.length - 1) : -1;
  const move = (by: number) => {
    if (!found.length) return;
    setFollow(false);
    setAt((current + by + found.length) % found.length);
  };

  if (task.state === 'STATE_DRAFT') return <EmptyHint text={t('tasks.log.waiting')} />;
  if (log.pending && !log.error && !active) return <Skeleton active />;
  if (!kept.length && !log.error) {
    return <EmptyHint text={t(active ? 'tasks.log.waiting' : 'tasks.log.forgotten')} />;
  }
  return (
    <Flex vertical gap={12}>
      <ErrorAlert error={log.error} />
      {log.broken && <Alert type="warning" showIcon title={t('tasks.curves.broken')} />}
      <Flex gap={12} align="center" wrap>
        <Space.Compact>
          <Input
            aria-label={t('tasks.log.search')}
            placeholder={t('tasks.log.search')}
            allowClear
            value={wanted}
            onChange={(event) => {
              setWanted(event.target.value);
              setAt(0);
              setFollow(false);
            }}
            onPressEnter={(event) => move(event.shiftKey ? -1 : 1)}
            style={{ width: 220 }}
          />
          <Button
            icon={<UpOutlined />}
            aria-label={t('tasks.log.previous')}
            disabled={!found.length}
            onClick={() => move(-1)}
          />
          <Button
            icon={<DownOutlined />}
            aria-label={t('tasks.log.next')}
            disabled={!found.length}
            onClick={() => move(1)}
          />
        </Space.Compact>
        {lookedFor.trim() && (
          <Typography.Text type="secondary" role="status" className="numbers">
            {found.length ? t('tasks.log.matches', { at: current + 1, count: found.length }) : t('tasks.log.noMatch')}
          </Typography.Text>
        )}
        <Flex gap={8} align="center" style={{ marginInlineStart: 'auto' }}>
          {active && (
            <>
              <Switch id={followId} size="small" checked={follow} onChange={setFollow} />
              <label htmlFor={followId}>{t('tasks.log.follow')}</label>
            </>
          )}
          <Button icon={<DownloadOutlined />} href={logUrl(task.id)} download={`${task.name}.log`}>
            {t('tasks.log.download')}
          </Button>
        </Flex>
      </Flex>
      <LogView
        lines={kept}
        firstNumber={dropped + 1}
        wanted={lookedFor.trim()}
        current={found[current]}
        follow={follow && active}
        onScrolledAway={() => setFollow(false)}
        onScrolledToEnd={() => setFollow(true)}
      />
      <Typography.Text type="secondary" className="numbers" style={{ fontSize: 12 }}>
        {t('tasks.log.lines', { count: dropped + kept.length })}
        {dropped > 0 && ` · ${t('tasks.log.cut', { count: KEPT })}`}
      </Typography.Text>
    </Flex>
  );
}
