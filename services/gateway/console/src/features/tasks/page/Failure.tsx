import { useQuery } from '@tanstack/react-query';
import { Alert, Button, Flex, theme, Typography } from 'antd';
import { useTranslation } from 'react-i18next';

import { ApiError } from '@/api/errors';
import type { Task } from '@/api/types';

import { append, clean, NO_LINES } from '../log/lines';
import { logUrl } from '../log/useLog';
import { useStart } from './TaskActions';

const SHOWN = 12;
const QUOTED = /;? ?the last lines of its log are:\n([\s\S]*)$/;

/** What went wrong, the end of the log, and the way to try again. */
export function Failure({ task, onLog }: { task: Task; onLog: () => void }) {
  const { t, i18n } = useTranslation();
  const { token } = theme.useToken();
  const start = useStart(task);
  const lines = useLastLines(task);
  const known = i18n.exists(`tasks.failure.${task.error_reason}Hint`);
  const reason = (known ? task.error_reason : 'other') as 'ERROR';
  const said = task.error.replace(QUOTED, '.');
  return (
    <Alert
      type="error"
      showIcon
      title={<strong>{`${t('tasks.failure.title')} · ${t(`tasks.failure.${reason}`)}`}</strong>}
      description={
        <Flex vertical gap={8}>
          <div>{t(`tasks.failure.${reason}Hint`)}</div>
          {said && (
            <Typography.Text type="secondary" style={{ overflowWrap: 'anywhere', whiteSpace: 'pre-wrap' }}>
              {t('tasks.failure.said')}: {said}
            </Typography.Text>
          )}
          {lines.length > 0 && (
            <figure style={{ margin: 0 }}>
              <figcaption>{t('tasks.failure.lastLines')}</figcaption>
              <pre
                tabIndex={0}
                style={{
                  margin: '4px 0 0',
                  padding: 10,
                  maxHeight: 260,
                  overflow: 'auto',
                  background: token.colorBgContainer,
                  border: `1px solid ${token.colorBorderSecondary}`,
                  borderRadius: token.borderRadius,
                  fontFamily: token.fontFamilyCode,
                  fontSize: 12,
                }}
              >
                {lines.join('\n')}
              </pre>
            </figure>
          )}
          <Flex gap={8} wrap>
            <Button type="primary" loading={start.isPending} onClick={start.run}>
              {t('tasks.page.restart')}
            </Button>
            <Button onClick={onLog}>{t('tasks.failure.wholeLog')}</Button>
          </Flex>
        </Flex>
      }
    />
  );
}

/** Those that the error quotes, else those of the log. */
function useLastLines(task: Task): string[] {
  const quoted = QUOTED.exec(task.error)?.[1]?.trimEnd();
  const { data = [] } = useQuery({
    queryKey: ['task-log-end', task.id, task.run_number],
    queryFn: async () => {
      const response = await fetch(logUrl(task.id));
      if (!response.ok) throw await ApiError.of(response);
      return append(NO_LINES, await response.text(), SHOWN).kept.map(clean);
    },
    enabled: quoted === undefined,
    staleTime: Infinity,
    retry: false,
  });
  return quoted === undefined ? data : quoted.split('\n').map(clean);
}
