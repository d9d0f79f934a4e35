import { Alert } from 'antd';
import { useTranslation } from 'react-i18next';

import type { Dataset } from '@/api/types';
import { ErrorAlert } from '@/components/errors';

import type { Kind } from './files';
import type { useLearn } from './learn';
import { standingOfDataset } from './stages';
import { Working } from './Working';

interface Props {
  dataset: Dataset | undefined;
  learning: ReturnType<typeof useLearn>;
  kind: Kind;
}

/** The server looks at the samples, and then the learning is asked for. */
export function Checking({ dataset, learning, kind }: Props) {
  const { t } = useTranslation();
  const imported = dataset?.state === 'STATE_IMPORTED';
  const standing = dataset && !imported ? standingOfDataset(dataset) : ({ stage: imported ? 'queue' : 'check', fraction: 0 } as const);
  return (
    <Working kind={kind} standing={standing} failed={learning.error !== null}>
      {learning.error && (
        <>
          <Alert type="warning" showIcon title={t('guide.learnNotStarted')} />
          <ErrorAlert error={learning.error} onRetry={learning.retry} />
        </>
      )}
    </Working>
  );
}
