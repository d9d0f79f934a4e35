import { Alert } from 'antd';
import { useTranslation } from 'react-i18next';

import type { Service } from '@/api/types';
import { waitingText } from '@/components/waiting';


/** What hinders a service or what it is busy with; nothing while all is well. */
export function StateNotice({ service }: { service: Service }) {
  const { t } = useTranslation();
  const { state, actual_load: actual, desired_load: desired } = service;
  const waits = waitingText(t, service.waiting_reason);
  const style = { marginBlockEnd: 16, overflowWrap: 'anywhere' } as const;

  if (state === 'STATE_FAILED') {
    return (
      <Alert
        type="error"
        showIcon
        role="alert"
        style={style}
        title={t('services.notice.failed')}
        description={
          <>
            <div style={{ whiteSpace: 'pre-wrap' }}>{service.error}</div>
            {t('services.notice.failedHint')}
          </>
        }
      />
    );
  }
  if (state === 'STATE_STARTING') {
    return (
      <Alert
        type={waits ? 'warning' : 'info'}
        showIcon
        role="status"
        style={style}
        title={t('services.notice.starting')}
        description={waits || t('services.notice.loading')}
      />
    );
  }
  if (state === 'STATE_STOPPING') {
    return <Alert type="info" showIcon role="status" style={style} title={t('services.notice.stopping')} />;
  }
  if (state === 'STATE_RUNNING' && (waits || actual !== desired)) {
    return (
      <Alert
        type={waits ? 'warning' : 'info'}
        showIcon
        role="status"
        style={style}
        title={waits ? t('services.notice.waiting') : t('services.notice.growing', { actual, desired })}
        description={waits || undefined}
      />
    );
  }
  return null;
}
