import { Alert, Button } from 'antd';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';

/** Back to where somebody was when they left the guide. */
export function GoOn({ to }: { to: string }) {
  const { t } = useTranslation();
  return (
    <Alert
      type="info"
      showIcon
      style={{ marginBlockEnd: 16 }}
      title={t('guide.goOn')}
      action={
        <Link to={`/guide?${to}`}>
          <Button size="small" tabIndex={-1}>
            {t('guide.goOnButton')}
          </Button>
        </Link>
      }
    />
  );
}
