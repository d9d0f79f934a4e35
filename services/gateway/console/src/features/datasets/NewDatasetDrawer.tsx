import { useMutation, useQueryClient } from '@tanstack/react-query';
import { App, Button, Drawer, Flex, Form, Input, Radio, Select } from 'antd';
import { useTranslation } from 'react-i18next';
import { useNavigate } from 'react-router';

import { ErrorAlert } from '@/components/errors';

import { createDataset, type NewDataset } from './api';
import { showFieldErrors } from './formErrors';
import { NameItem } from './NameItem';
import { importable, PURPOSES, useLevelText } from './purpose';
import { VisibilityItem } from './VisibilityItem';

type TestSetMode = 'TEST_SET_MODE_RATIO' | 'TEST_SET_MODE_INDEPENDENT';

interface Fields {
  name: string;
  level1: string;
  level2: string;
  annotation_mode: NonNullable<NewDataset['annotation_mode']>;
  format: NewDataset['format'];
  test_set_mode: TestSetMode;
  description: string;
  visibility: NonNullable<NewDataset['visibility']>;
}

const FIELDS = ['name', 'level1', 'level2', 'annotation_mode', 'format', 'test_set_mode', 'description', 'visibility'];

const START: Fields = {
  name: '',
  level1: 'image',
  level2: 'classification',
  annotation_mode: 'ANNOTATION_MODE_CLASSIFICATION',
  format: 'dir',
  test_set_mode: 'TEST_SET_MODE_RATIO',
  description: '',
  visibility: 'VISIBILITY_PRIVATE',
};

const ANNOTATIONS = [
  'ANNOTATION_MODE_CLASSIFICATION',
  'ANNOTATION_MODE_POSITION',
  'ANNOTATION_MODE_SPAN',
  'ANNOTATION_MODE_NONE',
] as const;
const FORMATS = ['dir', 'json', 'single_text', 'brat_ann'] as const;
const TEST_SETS: TestSetMode[] = ['TEST_SET_MODE_RATIO', 'TEST_SET_MODE_INDEPENDENT'];

interface Props {
  open: boolean;
  onClose: () => void;
}

/** A new data set; afterwards its page takes the upload. What was typed stays when the drawer is closed by mistake. */
export function NewDatasetDrawer({ open, onClose }: Props) {
  const { t } = useTranslation();
  const { message } = App.useApp();
  const [form] = Form.useForm<Fields>();
  const navigate = useNavigate();
  const queries = useQueryClient();
  const create = useMutation({
    mutationFn: ({ level1, level2, ...rest }: Fields) => createDataset({ ...rest, purpose: { level1, level2 } }),
    onSuccess: ({ id, name }) => {
      void queries.invalidateQueries({ queryKey: ['datasets'] });
      void message.success(t('datasets.form.created', { name }));
      form.resetFields();
      void navigate(`/datasets/${id}`);
    },
    onError: (error) => showFieldErrors(form, error, FIELDS),
  });
  return (
    <Drawer
      title={t('datasets.new')}
      open={open}
      onClose={onClose}
      size={520}
      footer={
        <Flex gap={8} justify="flex-end">
          <Button onClick={onClose}>{t('common.cancel')}</Button>
          <Button type="primary" loading={create.isPending} onClick={() => form.submit()}>
            {t('datasets.form.submit')}
          </Button>
        </Flex>
      }
    >
      <ErrorAlert error={create.error} />
      <Form<Fields> form={form} layout="vertical" initialValues={START} onFinish={(given) => create.mutate(given)}>
        <NameItem />
        <PurposeItems />
        <KindItems />
        <Form.Item name="description" label={t('common.description')}>
          <Input.TextArea rows={3} maxLength={2000} showCount placeholder={t('datasets.form.descriptionPlaceholder')} />
        </Form.Item>
        <VisibilityItem />
      </Form>
    </Drawer>
  );
}

/** The second level depends on the first. */
function PurposeItems() {
  const { t } = useTranslation();
  const level = useLevelText();
  const form = Form.useFormInstance<Fields>();
  const level1 = Form.useWatch('level1', form) ?? START.level1;
  const seconds = PURPOSES[level1] ?? [];
  const option = (value: string, label: string, possible: boolean) => ({
    value,
    label: possible ? label : t('datasets.unsupported', { name: label }),
    disabled: !possible,
  });
  return (
    <Flex gap={16} wrap>
      <Form.Item name="level1" label={t('datasets.form.purpose1')} style={{ flex: '1 1 200px' }} required>
        <Select
          onChange={(value: string) => form.setFieldValue('level2', PURPOSES[value]?.find((one) => importable(value, one)))}
          options={Object.keys(PURPOSES).map((value) =>
            option(value, level('level1', value), (PURPOSES[value] ?? []).some((second) => importable(value, second))),
          )}
        />
      </Form.Item>
      <Form.Item
        name="level2"
        label={t('datasets.form.purpose2')}
        style={{ flex: '1 1 200px' }}
        rules={[{ required: true, message: t('datasets.form.purposeMissing') }]}
      >
        <Select options={seconds.map((value) => option(value, level('level2', value), importable(level1, value)))} />
      </Form.Item>
    </Flex>
  );
}

/** What the server imports so far: folders of classes. */
function KindItems() {
  const { t } = useTranslation();
  const form = Form.useFormInstance<Fields>();
  const mode = Form.useWatch('test_set_mode', form) ?? START.test_set_mode;
  const option = <T extends string>(value: T, label: string, supported: T) => ({
    value,
    label: value === supported ? label : t('datasets.unsupported', { name: label }),
    disabled: value !== supported,
  });
  return (
    <>
      <Form.Item name="annotation_mode" label={t('datasets.annotation')}>
        <Select
          options={ANNOTATIONS.map((value) => option(value, t(`datasets.annotations.${value}`), START.annotation_mode))}
        />
      </Form.Item>
      <Form.Item name="format" label={t('datasets.format')}>
        <Select options={FORMATS.map((value) => option(value, t(`datasets.formats.${value}`), START.format))} />
      </Form.Item>
      <Form.Item name="test_set_mode" label={t('datasets.testSet')} extra={t(`datasets.testSetHints.${mode}`)}>
        <Radio.Group options={TEST_SETS.map((value) => ({ value, label: t(`datasets.testSets.${value}`) }))} />
      </Form.Item>
    </>
  );
}
