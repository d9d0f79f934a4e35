import { ApiOutlined, DatabaseOutlined, ExperimentOutlined, GoldOutlined } from '@ant-design/icons';
import { Col, Row, theme, Tooltip } from 'antd';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';

import { percent } from '@/components/format';

import { useDatasetCount, useLowestPrecision, useModelCount, useServiceCount, useTaskCount } from './api';
import { CountCard } from './CountCard';

export function Counts() {
  return (
    <Row gutter={[16, 16]}>
      {[Datasets, Tasks, Models, Services].map((Kind, at) => (
        <Col key={at} xs={12} xl={6}>
          <Kind />
        </Col>
      ))}
    </Row>
  );
}

function Datasets() {
  const { t } = useTranslation();
  const importing = useDatasetCount('STATE_IMPORTING');
  const failed = useDatasetCount('STATE_FAILED');
  return (
    <CountCard
      title={t('overview.datasets')}
      icon={<DatabaseOutlined />}
      total={useDatasetCount().data}
      to="/datasets"
      parts={[
        { text: t('overview.importing'), value: importing.data, to: '/datasets?state=STATE_IMPORTING' },
        { text: t('overview.importFailed'), value: failed.data, to: '/datasets?state=STATE_FAILED', bad: true },
      ]}
    />
  );
}

function Tasks() {
  const { t } = useTranslation();
  const waiting = useTaskCount('STATE_WAITING');
  const training = useTaskCount('STATE_TRAINING');
  const failed = useTaskCount('STATE_FAILED');
  return (
    <CountCard
      title={t('overview.tasks')}
      icon={<ExperimentOutlined />}
      total={useTaskCount().data}
      to="/tasks"
      parts={[
        { text: t('overview.training'), value: training.data, to: '/tasks?state=STATE_TRAINING' },
        { text: t('overview.waiting'), value: waiting.data, to: '/tasks?state=STATE_WAITING' },
        { text: t('overview.failed'), value: failed.data, to: '/tasks?state=STATE_FAILED', bad: true },
      ]}
    />
  );
}

function Models() {
  const { t } = useTranslation();
  const { token } = theme.useToken();
  const { data: lowest } = useLowestPrecision();
  return (
    <CountCard
      title={t('overview.models')}
      icon={<GoldOutlined />}
      total={useModelCount().data}
      to="/models"
      parts={[]}
    >
      {lowest && (
        <Tooltip title={t('overview.lowestHint', { name: lowest.name })}>
          <Link to={`/tasks/${lowest.id}`} className="numbers" style={{ color: token.colorTextSecondary }}>
            {`${t('overview.lowest')} ${percent(lowest.scores?.precision)}`}
          </Link>
        </Tooltip>
      )}
    </CountCard>
  );
}

function Services() {
  const { t } = useTranslation();
  const running = useServiceCount('STATE_RUNNING');
  const failed = useServiceCount('STATE_FAILED');
  return (
    <CountCard
      title={t('overview.services')}
      icon={<ApiOutlined />}
      total={useServiceCount().data}
      to="/services"
      parts={[
        { text: t('overview.running'), value: running.data, to: '/services?state=STATE_RUNNING' },
        { text: t('overview.failed'), value: failed.data, to: '/services?state=STATE_FAILED', bad: true },
      ]}
    />
  );
}
