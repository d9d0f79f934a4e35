import { CheckCircleFilled, MinusCircleOutlined } from '@ant-design/icons';
import { Flex, Form, Input } from 'antd';
import { useTranslation } from 'react-i18next';

import { palette, useLook } from '@/app/theme';

import { type NameRule, nameFits, nameRules } from './name';

/** The name of a data set, with its rules ticked off as one types. */
export function NameItem() {
  const { t } = useTranslation();
  const form = Form.useFormInstance<{ name: string }>();
  const name = Form.useWatch('name', form) ?? '';
  return (
    <Form.Item
      name="name"
      label={t('common.name')}
      required
      validateTrigger={['onBlur', 'onSubmit']}
      rules={[
        { required: true, message: t('datasets.form.nameMissing') },
        {
          validator: (_, value: string) =>
            !value || nameFits(value) ? Promise.resolve() : Promise.reject(new Error(t('datasets.form.nameWrong'))),
        },
      ]}
      extra={<Rules name={name} />}
    >
      <Input autoComplete="off" placeholder={t('datasets.form.namePlaceholder')} maxLength={200} />
    </Form.Item>
  );
}

function Rules({ name }: { name: string }) {
  const { t } = useTranslation();
  const colours = palette[useLook().appearance];
  return (
    <Flex component="ul" wrap style={{ listStyle: 'none', margin: '4px 0 0', padding: 0, columnGap: 16 }}>
      {(Object.entries(nameRules(name)) as [NameRule, boolean][]).map(([rule, met]) => (
        <li key={rule} style={{ color: met ? colours.good : colours.quiet, fontSize: 12 }}>
          {met ? (
            <CheckCircleFilled aria-label={t('datasets.form.ruleMet')} />
          ) : (
            <MinusCircleOutlined aria-label={t('datasets.form.ruleUnmet')} />
          )}{' '}
          {t(`datasets.form.${rule}`)}
        </li>
      ))}
    </Flex>
  );
}
