import { BulbOutlined, RocketOutlined } from '@ant-design/icons';
import { Button, Card, Flex, theme, Typography } from 'antd';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';

/** For somebody who has made nothing yet. */
export function Welcome() {
  const { t } = useTranslation();
  const { token } = theme.useToken();
  return (
    <Card style={{ marginBlockEnd: 16, background: token.colorPrimaryBg, borderColor: token.colorPrimaryBorder }}>
      <Flex gap={20} align="center" wrap>
        <BulbOutlined style={{ fontSize: 40, color: token.colorPrimary }} />
        <div style={{ flex: '1 1 320px', minWidth: 0 }}>
          <Typography.Title level={2} style={{ fontSize: 18, margin: 0 }}>
            {t('overview.welcome')}
          </Typography.Title>
          <Typography.Paragraph style={{ margin: '4px 0 0' }}>{t('overview.welcomeText')}</Typography.Paragraph>
        </div>
        <Link to="/guide">
          <Button type="primary" size="large" icon={<RocketOutlined />} tabIndex={-1}>
            {t('overview.welcomeStart')}
          </Button>
        </Link>
      </Flex>
    </Card>
  );
}
