import { Flex, Progress } from 'antd';
import { useTranslation } from 'react-i18next';

import type { Dataset, DatasetState } from '@/api/types';
import { percent } from '@/components/format';
import { type Mood, StateTag } from '@/components/StateTag';

import { useImportProgress } from './api';
import { importShare } from './progress';
import { shareOf, useTransfer } from './uploads';

const MOODS: Record<DatasetState, Mood> = {
  STATE_UNSPECIFIED: 'quiet',
  STATE_DRAFT: 'quiet',
  STATE_IMPORTING: 'busy',
  STATE_IMPORTED: 'good',
  STATE_FAILED: 'bad',
};

export function DatasetStateTag({ dataset }: { dataset: Dataset }) {
  const { t } = useTranslation();
  const transfer = useTransfer(dataset.id);
  if (transfer && transfer.phase !== 'failed') {
    return <StateTag mood="busy">{t('datasets.uploading', { percent: percent(shareOf(transfer), 0) })}</StateTag>;
  }
  return <StateTag mood={MOODS[dataset.state]}>{t(`datasets.states.${dataset.state}`)}</StateTag>;
}

/** In lists: with the progress of a running import. */
export function LiveDatasetState({ dataset }: { dataset: Dataset }) {
  if (dataset.state !== 'STATE_IMPORTING') return <DatasetStateTag dataset={dataset} />;
  return <ImportingState dataset={dataset} />;
}

function ImportingState({ dataset }: { dataset: Dataset }) {
  const { t } = useTranslation();
  const progress = useImportProgress(dataset);
  return (
    <Flex vertical gap={2} align="flex-start">
      <DatasetStateTag dataset={dataset} />
      <Progress
        aria-label={t('datasets.importing.title')}
        percent={Math.floor(importShare(progress) * 100)}
        size="small"
        style={{ width: 110, margin: 0 }}
      />
    </Flex>
  );
}
