import { Flex, Progress, Typography } from 'antd';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';

import type { Kind } from './files';
import { overall, type Standing } from './stages';

interface Props {
  kind: Kind;
  standing: Standing;
  /** The pass over the data that runs now, and how many there are; 0 where there are none. */
  pass?: number;
  passes?: number;
  expectedEnd?: string;
  failed?: boolean;
  children?: ReactNode;
}

/** Third step: one bar over all, and what is being done in plain words. */
export function Working({ kind, standing, pass = 0, passes = 0, expectedEnd, failed = false, children }: Props) {
  const { t, i18n } = useTranslation();
  const { stage } = standing;
  const words = () => {
    if (stage === 'check') return t(`guide.doing.check.${kind}`);
    if (stage === 'learn' && passes > 0) return t('guide.doing.learnPass', { pass: Math.min(pass + 1, passes), passes });
    return t(`guide.doing.${stage}`);
  };
  const time = expectedEnd && new Date(expectedEnd).toLocaleTimeString(i18n.language === 'en' ? 'en' : 'zh-CN');
  const sending = stage === 'pack' || stage === 'upload';
  return (
    <Flex vertical gap={8} style={{ maxWidth: 720, paddingBlock: 16 }}>
      {!failed && (
        <Typography.Title level={2} role="status" style={{ fontSize: 20, margin: 0 }}>
          {words()}
        </Typography.Title>
      )}
      <Progress
        percent={Math.floor(overall(standing) * 100)}
        status={failed ? 'exception' : 'active'}
        aria-label={t('guide.progress')}
        size={{ height: 14 }}
      />
      {!failed && (
        <Typography.Text type="secondary">
          {time && `${t('guide.expectedEnd', { time })} · `}
          {sending ? t('guide.stayHere') : t('guide.mayLeave')}
        </Typography.Text>
      )}
      {children}
    </Flex>
  );
}
