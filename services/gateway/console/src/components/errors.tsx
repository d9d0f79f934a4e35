import { Alert, App, Button, Result } from 'antd';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';

import { ApiError } from '@/api/errors';

/** A sentence for people: translated where the reason is known, else what the server said. */
export function useErrorText(): (error: unknown) => string {
  const { t, i18n } = useTranslation();
  return (error) => {
    if (!(error instanceof ApiError)) {
      return t('errors.UNKNOWN', { message: error instanceof Error ? error.message : String(error) });
    }
    const key = `errors.${error.reason}`;
    const values = { ...error.metadata, message: error.message };
    if (error.reason && i18n.exists(key)) return t(key as 'errors.UNKNOWN', values);
    return t('errors.UNKNOWN', values);
  };
}

/** Tells of a failed action in passing; the page and what was typed stay. */
export function useTellError(): (error: unknown) => void {
  const { notification } = App.useApp();
  const { t } = useTranslation();
  const text = useErrorText();
  return (error) => {
    const id = error instanceof ApiError ? error.requestId : '';
    notification.error({
      title: t('errors.title'),
      description: (
        <>
          {text(error)}
          {id && <div style={{ fontSize: 12, opacity: 0.75 }}>{t('errors.requestId', { id })}</div>}
        </>
      ),
      role: 'alert',
    });
  };
}

interface Props {
  error: unknown;
  onRetry?: () => void;
}

/** In place of a whole page. */
export function ErrorResult({ error, onRetry }: Props) {
  const { t } = useTranslation();
  const text = useErrorText();
  const missing = error instanceof ApiError && error.code === 404;
  return (
    <Result
      status={missing ? '404' : 'warning'}
      title={missing ? t('common.notFound') : t('errors.title')}
      subTitle={text(error)}
      extra={
        onRetry && !missing ? (
          <Button type="primary" onClick={onRetry}>
            {t('common.retry')}
          </Button>
        ) : null
      }
    />
  );
}

/** Inside a page or form, above what it concerns. */
export function ErrorAlert({ error, onRetry, action }: Props & { action?: ReactNode }) {
  const { t } = useTranslation();
  const text = useErrorText();
  if (!error) return null;
  return (
    <Alert
      type="error"
      showIcon
      role="alert"
      title={text(error)}
      action={action ?? (onRetry && <Button size="small" onClick={onRetry}>{t('common.retry')}</Button>)}
      style={{ marginBlockEnd: 16 }}
    />
  );
}
