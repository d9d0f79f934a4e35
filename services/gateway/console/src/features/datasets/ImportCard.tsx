import { App, Button, Card, Flex } from 'antd';
import { useState } from 'react';
import { useQueryClient } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';

import type { Dataset } from '@/api/types';

import { ArchiveChooser } from './ArchiveChooser';
import { ArchiveHelp } from './ArchiveHelp';
import { TransferCard } from './TransferCard';
import { cancelTransfer, retryTransfer, startTransfer, useTransfer } from './uploads';

/** Choose the archives, send them, and have them imported. */
export function ImportCard({ dataset }: { dataset: Dataset }) {
  const { t } = useTranslation();
  const { message } = App.useApp();
  const queries = useQueryClient();
  const transfer = useTransfer(dataset.id);
  const [again, setAgain] = useState(false);
  const onImport = () => void queries.invalidateQueries({ queryKey: ['datasets'] });

  if (transfer) {
    return (
      <TransferCard
        transfer={transfer}
        onRetry={() => retryTransfer(dataset.id, onImport)}
        onCancel={() => {
          if (transfer.phase === 'sending') void message.info(t('datasets.upload.cancelled'));
          cancelTransfer(dataset.id);
        }}
      />
    );
  }
  if (dataset.state === 'STATE_IMPORTED' && !again) {
    return (
      <Card size="small">
        <Flex gap={12} align="center" justify="space-between" wrap>
          {t('datasets.upload.againHint')}
          <Button onClick={() => setAgain(true)}>{t('datasets.upload.again')}</Button>
        </Flex>
      </Card>
    );
  }
  return <Choose dataset={dataset} onStart={(files) => startTransfer(dataset.id, files, onImport)} />;
}

interface Props {
  dataset: Dataset;
  onStart: (files: { train: File; test?: File }) => void;
}

function Choose({ dataset, onStart }: Props) {
  const { t } = useTranslation();
  const [train, setTrain] = useState<File>();
  const [test, setTest] = useState<File>();
  const independent = dataset.test_set_mode === 'TEST_SET_MODE_INDEPENDENT';
  const ready = train && (test || !independent);
  const missing = independent ? t('datasets.upload.missingBoth') : t('datasets.upload.missing');
  return (
    <Card title={dataset.version ? t('datasets.upload.again') : t('datasets.upload.title')}>
      <Flex gap={24} wrap>
        <Flex vertical gap={16} style={{ flex: '3 1 380px', minWidth: 0 }}>
          <ArchiveChooser
            label={t(independent ? 'datasets.upload.train' : 'datasets.upload.archive')}
            file={train}
            onChoose={setTrain}
          />
          {independent && <ArchiveChooser label={t('datasets.upload.test')} file={test} onChoose={setTest} />}
          <Flex gap={12} align="center" wrap>
            <Button
              type="primary"
              disabled={!ready}
              onClick={() => train && onStart({ train, ...(independent && test ? { test } : {}) })}
            >
              {t('datasets.upload.start')}
            </Button>
            {!ready && missing}
          </Flex>
        </Flex>
        <ArchiveHelp kind={dataset.purpose?.level1 === 'text' ? 'text' : 'image'} independent={independent} />
      </Flex>
    </Card>
  );
}
