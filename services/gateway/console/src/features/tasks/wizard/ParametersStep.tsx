import { Divider, Form, InputNumber, Typography } from 'antd';
import { useTranslation } from 'react-i18next';

import { AskedFields } from './AskedFields';
import type { Draft } from './draft';
import { ParametersEditor } from './ParametersEditor';

interface Props {
  draft: Draft;
  onChange: (draft: Draft) => void;
  errors: Record<string, string>;
}

export function ParametersStep({ draft, onChange, errors }: Props) {
  const { t } = useTranslation();
  return (
    <Form component={false} layout="vertical">
      <ParametersEditor
        algorithm={draft.algorithm}
        value={draft.parameters}
        onChange={(parameters) => onChange({ ...draft, parameters })}
        errors={errors}
      />
      <Divider />
      <Typography.Title level={2} style={{ fontSize: 16, margin: '0 0 12px' }}>
        {t('tasks.wizard.resourcesTitle')}
      </Typography.Title>
      <AskedFields value={draft} onChange={onChange} algorithm={draft.algorithm} />
      <Form.Item label={t('tasks.wizard.seed')} htmlFor="task-seed" extra={t('tasks.wizard.seedHint')} style={{ margin: 0 }}>
        <InputNumber
          id="task-seed"
          min={0}
          max={2 ** 31 - 1}
          precision={0}
          value={draft.seed}
          onChange={(seed) => seed !== null && onChange({ ...draft, seed })}
          style={{ width: 220 }}
        />
      </Form.Item>
    </Form>
  );
}
