import { Alert, Button, Card, Flex, Progress, Typography } from 'antd';
import { useTranslation } from 'react-i18next';

import { bytes, duration } from '@/components/format';
import { ErrorAlert } from '@/components/errors';

import type { Part, Transfer } from './uploads';

interface Props {
  transfer: Transfer;
  onRetry: () => void;
  onCancel: () => void;
}

/** An upload as it runs: how much, how fast, how long; or why it stopped. */
export function TransferCard({ transfer: { phase, parts, error }, onRetry, onCancel }: Props) {
  const { t } = useTranslation();
  const interrupted = phase !== 'failed' && parts.some((part) => part.interrupted);
  const current = parts.find((part) => !part.id);
  return (
    <Card
      title={t(phase === 'failed' ? 'datasets.upload.failed' : 'datasets.upload.sending')}
      extra={phase === 'sending' && <Button onClick={onCancel}>{t('common.cancel')}</Button>}
    >
      <Flex vertical gap={12}>
        {phase === 'failed' && <ErrorAlert error={error} />}
        {interrupted && <Alert type="warning" showIcon title={t('datasets.upload.interrupted')} role="status" />}
        {parts.map((part) => (
          <PartProgress key={part.role} part={part} active={phase === 'sending' && part === current} alone={parts.length === 1} />
        ))}
        {phase === 'starting' && <span role="status">{t('datasets.upload.starting')}</span>}
        {phase === 'failed' ? (
          <Flex gap={8}>
            <Button type="primary" onClick={onRetry}>
              {t('datasets.upload.goOn')}
            </Button>
            <Button onClick={onCancel}>{t('datasets.upload.discard')}</Button>
          </Flex>
        ) : (
          <Typography.Text type="secondary">{t('datasets.upload.stay')}</Typography.Text>
        )}
      </Flex>
    </Card>
  );
}

function PartProgress({ part, active, alone }: { part: Part; active: boolean; alone: boolean }) {
  const { t } = useTranslation();
  const { role, file, sent, speed, interrupted, id } = part;
  const label = alone ? t('datasets.upload.archive') : t(`datasets.upload.${role}`);
  const moving = active && !interrupted && speed > 0;
  return (
    <div>
      <Flex justify="space-between" gap={12} wrap>
        <span style={{ overflowWrap: 'anywhere', minWidth: 0 }}>
          <Typography.Text strong>{label}</Typography.Text> {file.name}
        </span>
        <Typography.Text type="secondary" className="numbers">
          {id ? t('datasets.upload.done') : active ? '' : t('datasets.upload.waiting')}
        </Typography.Text>
      </Flex>
      <Progress
        aria-label={label}
        percent={file.size ? Math.floor((sent / file.size) * 1000) / 10 : 0}
        status={id ? 'success' : moving ? 'active' : 'normal'}
      />
      <Flex gap={16} wrap className="numbers">
        <span>{t('datasets.upload.progress', { sent: bytes(sent), total: bytes(file.size) })}</span>
        {moving && (
          <>
            <span>{t('datasets.upload.speed', { speed: bytes(speed) })}</span>
            <span>{t('datasets.upload.left', { time: duration((file.size - sent) / speed) })}</span>
          </>
        )}
      </Flex>
    </div>
  );
}
