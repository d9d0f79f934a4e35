import { Alert, Button } from 'antd';
import { useTranslation } from 'react-i18next';

import type { Dataset, Problem } from '@/api/types';

const SHOWN = 8;

interface Props {
  dataset: Dataset;
  /** Goes on without the files that were refused, where the samples are still at hand. */
  onLeaveOut?: () => void;
}

/** Why the samples could not be used, file by file, in plain words. */
export function ImportFailed({ dataset, onLeaveOut }: Props) {
  const { t, i18n } = useTranslation();
  const words = ({ reason, message, expected }: Problem) => {
    const key = `guide.problems.${reason}`;
    return i18n.exists(key) ? t(key as 'guide.problems.FILE_KIND') : [message, expected].filter(Boolean).join(' · ');
  };
  return (
    <Alert
      type="error"
      showIcon
      role="alert"
      style={{ marginBlockEnd: 16 }}
      title={t('guide.importFailed', { count: dataset.problem_count })}
      description={
        <>
          <ul style={{ margin: '0 0 8px', paddingInlineStart: 20, overflowWrap: 'anywhere' }}>
            {dataset.problems.slice(0, SHOWN).map((problem, at) => (
              <li key={at}>{[problem.file, words(problem)].filter(Boolean).join(' – ')}</li>
            ))}
            {dataset.problem_count > SHOWN && <li>{'…'}</li>}
          </ul>
          {onLeaveOut ? <Button onClick={onLeaveOut}>{t('guide.importDrop')}</Button> : t('guide.importAgain')}
        </>
      }
    />
  );
}
