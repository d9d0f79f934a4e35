import { BulbOutlined, PlusOutlined } from '@ant-design/icons';
import { Button, Col, Flex, Row } from 'antd';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';

import { Later } from '@/components/Later';
import { Page } from '@/components/Page';

import { Activity } from './Activity';
import { useIsNew } from './api';
import { Busy } from './Busy';
import { ClusterUse } from './ClusterUse';
import { Counts } from './Counts';
import { RecentModels, RecentServices } from './Recent';
import { Welcome } from './Welcome';

export default function OverviewPage() {
  const { t } = useTranslation();
  const isNew = useIsNew();
  return (
    <Page
      title={t('overview.title')}
      actions={
        <>
          <Link to="/guide">
            <Button icon={<BulbOutlined />} tabIndex={-1}>
              {t('guide.title')}
            </Button>
          </Link>
          <Link to="/datasets?new=1">
            <Button icon={<PlusOutlined />} tabIndex={-1}>
              {t('overview.newDataset')}
            </Button>
          </Link>
          <Link to="/tasks/new">
            <Button type="primary" icon={<PlusOutlined />} tabIndex={-1}>
              {t('overview.newTask')}
            </Button>
          </Link>
        </>
      }
    >
      {isNew && <Welcome />}
      <Later>
        <Counts />
      </Later>
      <Row gutter={[16, 16]} style={{ marginBlockStart: 16 }}>
        <Col xs={24} lg={12}>
          <Flex vertical gap={16}>
            <Later>
              <Busy />
            </Later>
            <Later>
              <ClusterUse />
            </Later>
          </Flex>
        </Col>
        <Col xs={24} lg={12}>
          <Later>
            <Activity />
          </Later>
        </Col>
        <Col xs={24} lg={12}>
          <Later>
            <RecentModels />
          </Later>
        </Col>
        <Col xs={24} lg={12}>
          <Later>
            <RecentServices />
          </Later>
        </Col>
      </Row>
    </Page>
  );
}
