import {
  ApiOutlined,
  AppstoreOutlined,
  BulbOutlined,
  ClusterOutlined,
  DatabaseOutlined,
  ExperimentOutlined,
  FunctionOutlined,
  GoldOutlined,
  NotificationOutlined,
} from '@ant-design/icons';
import { Menu } from 'antd';
import { useTranslation } from 'react-i18next';
import { Link, useLocation } from 'react-router';

import logo from './icon.svg';

const PAGES = [
  ['overview', <AppstoreOutlined />],
  ['guide', <BulbOutlined />],
  ['datasets', <DatabaseOutlined />],
  ['algorithms', <FunctionOutlined />],
  ['tasks', <ExperimentOutlined />],
  ['models', <GoldOutlined />],
  ['services', <ApiOutlined />],
  ['cluster', <ClusterOutlined />],
  ['events', <NotificationOutlined />],
] as const;

export function Navigation({ narrow }: { narrow: boolean }) {
  const { t } = useTranslation();
  const here = useLocation().pathname.split('/')[1] ?? '';
  return (
    <nav aria-label={t('common.navigation')}>
      <Link
        to="/overview"
        style={{ display: 'flex', alignItems: 'center', gap: 10, height: 52, paddingInline: narrow ? 14 : 20 }}
      >
        <img src={logo} alt="modelyard" width={28} height={28} />
        {!narrow && (
          <strong style={{ fontSize: 17 }} translate="no">
            {'modelyard'}
          </strong>
        )}
      </Link>
      <Menu
        mode="inline"
        selectedKeys={[here]}
        inlineCollapsed={narrow}
        style={{ borderInlineEnd: 0 }}
        items={PAGES.map(([key, icon]) => ({ key, icon, label: <Link to={`/${key}`}>{t(`${key}.title`)}</Link> }))}
      />
    </nav>
  );
}
