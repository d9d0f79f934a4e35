import { GlobalOutlined, LogoutOutlined, MenuOutlined, MoonOutlined, SunOutlined, UserOutlined } from '@ant-design/icons';
import { Button, Dropdown, Layout, Space, theme } from 'antd';
import { useTranslation } from 'react-i18next';
import { useNavigate } from 'react-router';

import { Later } from '@/components/Later';
import { useCurrentUser, useSignOut } from '@/features/session/api';
import { language, setLanguage } from '@/i18n';

import { useLook } from './theme';

interface Props {
  narrow: boolean;
  onMenu: () => void;
}

export function Header({ narrow, onMenu }: Props) {
  const { t } = useTranslation();
  const { token } = theme.useToken();
  return (
    <Layout.Header
      style={{
        position: 'sticky',
        top: 0,
        zIndex: 10,
        display: 'flex',
        alignItems: 'center',
        justifyContent: 'space-between',
        background: token.colorBgContainer,
        borderBlockEnd: `1px solid ${token.colorBorderSecondary}`,
      }}
    >
      <Button
        type="text"
        icon={<MenuOutlined />}
        aria-label={t('common.navigation')}
        aria-expanded={!narrow}
        onClick={onMenu}
      />
      <Space size={4}>
        <LanguageButton />
        <AppearanceButton />
        <Later>
          <UserMenu />
        </Later>
      </Space>
    </Layout.Header>
  );
}

export function LanguageButton() {
  const { t } = useTranslation();
  const other = language() === 'zh' ? 'en' : 'zh';
  const name = other === 'zh' ? '中文' : 'English';
  return (
    <Button
      type="text"
      icon={<GlobalOutlined />}
      aria-label={`${t('common.language')} ${name}`}
      onClick={() => void setLanguage(other)}
    >
      {name}
    </Button>
  );
}

export function AppearanceButton() {
  const { t } = useTranslation();
  const { appearance, setAppearance } = useLook();
  const dark = appearance === 'dark';
  return (
    <Button
      type="text"
      icon={dark ? <SunOutlined /> : <MoonOutlined />}
      aria-label={dark ? t('common.themeLight') : t('common.themeDark')}
      title={dark ? t('common.themeLight') : t('common.themeDark')}
      onClick={() => setAppearance(dark ? 'light' : 'dark')}
    />
  );
}

function UserMenu() {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const { data: user } = useCurrentUser();
  const signOut = useSignOut();
  return (
    <Dropdown
      trigger={['click']}
      menu={{
        items: [
          { key: 'account', icon: <UserOutlined />, label: t('session.account'), onClick: () => navigate('/account') },
          { type: 'divider' },
          { key: 'out', icon: <LogoutOutlined />, label: t('session.signOut'), onClick: () => signOut.mutate() },
        ],
      }}
    >
      <Button type="text" icon={<UserOutlined />} aria-haspopup="menu">
        {user?.name}
      </Button>
    </Dropdown>
  );
}
