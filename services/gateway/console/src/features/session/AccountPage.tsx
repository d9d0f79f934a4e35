import { Card, Descriptions, Tag } from 'antd';
import { useTranslation } from 'react-i18next';

import { Id, When } from '@/components/format';
import { Page } from '@/components/Page';

import { useCurrentUser } from './api';

export default function AccountPage() {
  const { t } = useTranslation();
  const { data: user } = useCurrentUser();
  if (!user) return null;
  return (
    <Page title={t('session.account')}>
      <Card style={{ maxWidth: 640 }}>
        <Descriptions
          column={1}
          items={[
            { label: t('session.userName'), children: user.name },
            { label: t('common.id'), children: <Id value={user.id} /> },
            { label: t('session.roles'), children: user.roles.map((role) => <Tag key={role}>{role}</Tag>) },
            { label: t('session.email'), children: user.email || t('common.none') },
            { label: t('common.created'), children: <When at={user.created_at} /> },
          ]}
        />
      </Card>
    </Page>
  );
}
