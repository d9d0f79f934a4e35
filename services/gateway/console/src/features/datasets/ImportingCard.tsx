import { Card, Flex, Progress, Typography } from 'antd';
import { useTranslation } from 'react-i18next';

import type { Dataset } from '@/api/types';
import { bytes, count } from '@/components/format';

import { importShare } from './progress';

const PHASES = ['reading', 'checking', 'storing'] as const;

/** A running import: what is being done now, in words and figures. */
export function ImportingCard({ progress }: { progress: Dataset['import_progress'] }) {
  const { t } = useTranslation();
  const phase = PHASES.find((one) => one === progress?.phase) ?? 'reading';
  const total = Number(progress?.files_total ?? 0);
  return (
    <Card title={t('datasets.importing.title')}>
      <Typography.Text strong role="status">
        {t(`datasets.importing.phases.${phase}`)}
      </Typography.Text>
      <Progress
        aria-label={t('datasets.importing.title')}
        percent={Math.floor(importShare(progress) * 100)}
        status="active"
      />
      <Flex gap={16} wrap className="numbers">
        {total > 0 && (
          <span>{t('datasets.importing.files', { done: count(progress?.files_done), total: count(total) })}</span>
        )}
        <span>{t('datasets.importing.bytes', { size: bytes(progress?.bytes_done) })}</span>
      </Flex>
      <Typography.Text type="secondary">{t('datasets.importing.hint')}</Typography.Text>
    </Card>
  );
}
