import { Alert, Button, Flex, Input, Switch, Typography } from 'antd';
import { useId } from 'react';
import { useTranslation } from 'react-i18next';

import type { Algorithm } from '@/api/types';
import { ParametersForm } from '@/features/algorithms/ParametersForm';
import { defaultsOf, problemsOf } from '@/features/algorithms/schema';

import { type Parameters, parseObject, schemaOfAlgorithm } from './draft';

interface Props {
  algorithm: Algorithm | undefined;
  value: Parameters;
  onChange: (value: Parameters) => void;
  /** What the server said of single parameters. */
  errors?: Record<string, string>;
}

/** Parameters as a form, or as JSON text for those who know. */
export function ParametersEditor({ algorithm, value, onChange, errors }: Props) {
  const { t } = useTranslation();
  const switchId = useId();
  const schema = schemaOfAlgorithm(algorithm);
  const problems = { ...errors, ...problemsOf(schema, value.values) };
  const expert = value.raw !== undefined;
  const type = (raw: string) => onChange({ values: parseObject(raw) ?? value.values, raw });
  const invalid = value.raw !== undefined && parseObject(value.raw) === undefined;

  return (
    <Flex vertical gap={12}>
      <Flex gap={12} align="center" justify="space-between" wrap>
        <Typography.Title level={2} style={{ fontSize: 16, margin: 0 }}>
          {t('tasks.wizard.parametersTitle')}
        </Typography.Title>
        <Flex gap={12} align="center">
          <Button size="small" onClick={() => onChange(begin(defaultsOf(schema), expert))}>
            {t('tasks.wizard.reset')}
          </Button>
          <label htmlFor={switchId}>{t('tasks.wizard.raw')}</label>
          <Switch
            id={switchId}
            size="small"
            checked={expert}
            disabled={invalid}
            onChange={(on) => onChange(begin(value.values, on))}
          />
        </Flex>
      </Flex>
      {value.raw === undefined ? (
        <ParametersForm
          schema={schema}
          value={value.values}
          onChange={(values) => onChange({ values })}
          errors={problems}
        />
      ) : (
        <>
          <Input.TextArea
            aria-label={t('tasks.wizard.rawLabel')}
            aria-invalid={invalid}
            status={invalid ? 'error' : ''}
            rows={14}
            spellCheck={false}
            value={value.raw}
            onChange={(event) => type(event.target.value)}
            style={{ fontFamily: 'monospace' }}
          />
          {invalid && <Alert type="error" showIcon role="alert" title={t('tasks.wizard.rawInvalid')} />}
          {!invalid && <Problems problems={problems} />}
        </>
      )}
    </Flex>
  );
}

function begin(values: Parameters['values'], expert: boolean): Parameters {
  return expert ? { values, raw: JSON.stringify(values, null, 2) } : { values };
}

function Problems({ problems }: { problems: Record<string, string> }) {
  const found = Object.entries(problems);
  if (!found.length) return null;
  return (
    <Alert
      type="error"
      showIcon
      role="alert"
      title={
        <>
          {found.map(([name, problem]) => (
            <div key={name}>
              <code>{name}</code> {problem}
            </div>
          ))}
        </>
      }
    />
  );
}
