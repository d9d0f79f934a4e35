import { Button, Card, Flex, Form, Input, Space, Typography } from 'antd';
import { useEffect } from 'react';
import { useTranslation } from 'react-i18next';
import { useSearchParams } from 'react-router';

import { AppearanceButton, LanguageButton } from '@/app/Header';
import logo from '@/app/icon.svg';
import { ErrorAlert } from '@/components/errors';

import { type Credentials, useSignIn } from './api';

/** Only addresses of our own pages: a link must not lead elsewhere after signing in. */
export function safeNext(next: string | null): string {
  return next && /^\/(?![/\\])/.test(next) ? next : '/overview';
}

export default function SignInPage() {
  const { t } = useTranslation();
  const [params] = useSearchParams();
  const signIn = useSignIn(safeNext(params.get('next')));

  useEffect(() => {
    document.title = `${t('session.title')} · modelyard`;
  }, [t]);

  return (
    <Flex vertical align="center" style={{ minHeight: '100%', padding: '12px 20px 60px', boxSizing: 'border-box' }}>
      <Space style={{ alignSelf: 'flex-end' }}>
        <LanguageButton />
        <AppearanceButton />
      </Space>
      <Flex vertical flex={1} justify="center" component="main" style={{ width: '100%', maxWidth: 380 }}>
        <Flex vertical align="center" gap={6} style={{ marginBlockEnd: 20 }}>
          <img src={logo} alt="" width={52} height={52} />
          <Typography.Title level={1} style={{ fontSize: 24, margin: 0 }} translate="no">
            {'modelyard'}
          </Typography.Title>
          <Typography.Text type="secondary">{t('session.lead')}</Typography.Text>
        </Flex>
        <Card>
          <ErrorAlert error={signIn.error} />
          <Form<Credentials>
            layout="vertical"
            requiredMark={false}
            initialValues={{ user_name: '', password: '' }}
            onFinish={(given) => signIn.mutate(given)}
          >
            <Form.Item
              name="user_name"
              label={t('session.userName')}
              rules={[{ required: true, message: t('session.userNameMissing') }]}
            >
              <Input autoComplete="username" autoFocus size="large" />
            </Form.Item>
            <Form.Item
              name="password"
              label={t('session.password')}
              rules={[{ required: true, message: t('session.passwordMissing') }]}
            >
              <Input.Password autoComplete="current-password" size="large" />
            </Form.Item>
            <Button type="primary" htmlType="submit" size="large" block loading={signIn.isPending}>
              {t('session.signIn')}
            </Button>
          </Form>
        </Card>
        <Typography.Paragraph type="secondary" style={{ marginBlockStart: 16, textAlign: 'center', fontSize: 13 }}>
          {t('session.firstPassword')}
        </Typography.Paragraph>
      </Flex>
    </Flex>
  );
}
