import { Form, type FormInstance, Input } from 'antd';
import { useTranslation } from 'react-i18next';

import { ApiError } from '@/api/errors';

import { DESCRIPTION_MAX, NAME_MAX } from './api';

/** Name and description with the server's rules. */
export function ServiceFields() {
  const { t } = useTranslation();
  return (
    <>
      <Form.Item
        name="name"
        label={t('services.name')}
        rules={[
          { required: true, whitespace: true, message: t('services.nameMissing') },
          { max: NAME_MAX, message: t('services.nameTooLong', { max: NAME_MAX }) },
        ]}
      >
        <Input autoFocus showCount={{ formatter: ({ count }) => `${count} / ${NAME_MAX}` }} />
      </Form.Item>
      <Form.Item
        name="description"
        label={t('common.description')}
        rules={[{ max: DESCRIPTION_MAX, message: t('services.descriptionTooLong', { max: DESCRIPTION_MAX }) }]}
      >
        <Input.TextArea rows={3} />
      </Form.Item>
    </>
  );
}

/** Shows what the server said at the fields that it named. Returns whether all of it found a place. */
export function showAtFields(form: FormInstance, error: unknown): boolean {
  if (!(error instanceof ApiError)) return false;
  const known = error.fields.flatMap(({ field, description }) => {
    const name = field.replace(/^service\./, '');
    return name in (form.getFieldsValue() as object) ? [{ name, errors: [description] }] : [];
  });
  form.setFields(known);
  return known.length > 0 && known.length === error.fields.length;
}
