import { Alert } from 'antd';
import { useTranslation } from 'react-i18next';

import { ErrorAlert } from '@/components/errors';

import type { Kind } from './files';
import type { useRun } from './run';
import { Working } from './Working';

/** The samples on their way to the server. */
export function Sending({ run, kind }: { run: ReturnType<typeof useRun>; kind: Kind }) {
  const { t } = useTranslation();
  return (
    <Working kind={kind} standing={run.standing} failed={run.error !== null}>
      {run.interrupted && !run.error && <Alert type="warning" showIcon title={t('guide.interrupted')} />}
      {run.error && (
        <>
          <Alert type="warning" showIcon title={t('guide.uploadStopped')} />
          <ErrorAlert error={run.error} onRetry={run.retry} />
        </>
      )}
    </Working>
  );
}
