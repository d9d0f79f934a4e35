import { Card, Col, Flex, Progress, Row, Skeleton, Typography } from 'antd';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';

import type { Task } from '@/api/types';
import { ErrorAlert } from '@/components/errors';
import { percent } from '@/components/format';

import { useReport } from './api';
import type { Kind } from './files';
import { verdict } from './judge';

/** Fourth step: what it has learnt, in plain words, beside the way to try it. */
export function Result({ task, kind, children }: { task: Task; kind: Kind; children: ReactNode }) {
  const { t } = useTranslation();
  const report = useReport(task.id);
  return (
    <Row gutter={[24, 24]}>
      <Col xs={24} lg={11}>
        <Card style={{ height: '100%' }}>
          <ErrorAlert error={report.error} onRetry={() => void report.refetch()} />
          {report.isPending && <Skeleton active />}
          {report.data && <Words kind={kind} {...verdict(report.data)} title={t('guide.learned')} />}
        </Card>
      </Col>
      <Col xs={24} lg={13}>
        {children}
      </Col>
    </Row>
  );
}

function Words({ kind, title, total, right, worst, advice, small }: ReturnType<typeof verdict> & { kind: Kind; title: string }) {
  const { t } = useTranslation();
  const share = total ? right / total : 0;
  const shown = percent(share, share === 1 ? 0 : 1);
  return (
    <Flex vertical gap={10}>
      <Typography.Title level={2} style={{ fontSize: 20, margin: 0 }}>
        {title}
      </Typography.Title>
      <Flex align="center" gap={20} wrap>
        <Progress
          type="circle"
          size={104}
          percent={Math.floor(share * 100)}
          format={() => shown}
          status="normal"
          aria-label={t('guide.right', { percent: shown })}
        />
        <div style={{ flex: '1 1 200px' }}>
          <Typography.Text strong style={{ fontSize: 17 }}>
            {t('guide.right', { percent: shown })}
          </Typography.Text>
          <div>{t(kind === 'image' ? 'guide.examImage' : 'guide.examText', { total, right })}</div>
        </div>
      </Flex>
      <Typography.Text style={{ overflowWrap: 'anywhere' }}>
        {worst ? t('guide.errs', worst) : t('guide.errsNever')}
      </Typography.Text>
      <Typography.Text>{t(`guide.advice.${advice}`)}</Typography.Text>
      {small && <Typography.Text type="secondary">{t('guide.smallExam')}</Typography.Text>}
    </Flex>
  );
}
