import { Form, Radio } from 'antd';
import { useTranslation } from 'react-i18next';

import { useAdmin } from '@/features/session/rights';

export function VisibilityItem() {
  const { t } = useTranslation();
  const admin = useAdmin();
  const choices = ['VISIBILITY_PRIVATE', 'VISIBILITY_PUBLIC', ...(admin ? ['VISIBILITY_PRESET'] : [])] as const;
  return (
    <Form.Item name="visibility" label={t('common.visibility')} extra={t('datasets.form.visibilityHint')}>
      <Radio.Group
        options={choices.map((value) => ({
          value,
          label: t(`common.visibilities.${value as 'VISIBILITY_PRIVATE'}`),
        }))}
      />
    </Form.Item>
  );
}
