import { Button, Result, Spin } from 'antd';
import { useTranslation } from 'react-i18next';
import { Link, useRouteError } from 'react-router';

import { ErrorResult } from '@/components/errors';

export function NotFoundPage() {
  const { t } = useTranslation();
  return (
    <Result
      status="404"
      title={t('common.notFound')}
      subTitle={t('common.notFoundHint')}
      extra={
        <Link to="/overview">
          <Button type="primary">{t('overview.title')}</Button>
        </Link>
      }
    />
  );
}

/** A page that could not be loaded or drawn; the rest of the console stays. */
export function RouteErrorPage() {
  const error = useRouteError();
  return <ErrorResult error={error} onRetry={() => window.location.reload()} />;
}

export function Loading() {
  const { t } = useTranslation();
  return (
    <div style={{ display: 'grid', placeItems: 'center', minHeight: 240 }} role="status" aria-label={t('common.loading')}>
      <Spin size="large" />
    </div>
  );
}
