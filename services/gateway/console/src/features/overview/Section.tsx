import { Card } from 'antd';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';

import { ErrorAlert } from '@/components/errors';

interface Props {
  title: string;
  to: string;
  pending: boolean;
  error?: unknown;
  children: ReactNode;
}

/** A card of the overview that leads to the whole list. */
export function Section({ title, to, pending, error, children }: Props) {
  const { t } = useTranslation();
  return (
    <Card
      title={<h2 style={{ fontSize: 15, margin: 0 }}>{title}</h2>}
      size="small"
      loading={pending && !error}
      extra={
        <Link to={to} aria-label={`${t('overview.seeAll')}: ${title}`}>
          {t('overview.seeAll')}
        </Link>
      }
      style={{ height: '100%' }}
    >
      <ErrorAlert error={error} />
      {children}
    </Card>
  );
}
