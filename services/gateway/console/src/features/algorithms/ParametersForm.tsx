import { Collapse, Empty, Form, Typography } from 'antd';
import { type ReactNode, useState } from 'react';
import { useTranslation } from 'react-i18next';

import { useInLanguage } from '@/i18n/bilingual';

import { ParameterField } from './ParameterField';
import { type JsonSchema, type Values } from './schema';

/** More than these, and the later ones are folded away. */
const MANY = 8;
const SHOWN_OF_MANY = 6;

interface Props {
  schema: JsonSchema;
  value: Values;
  onChange: (value: Values) => void;
  /** By parameter name; `outer.inner` inside objects. */
  errors?: Record<string, string>;
  disabled?: boolean;
}

/** A form for the parameters of an algorithm, made from their JSON Schema. Stands inside another form or alone. */
export function ParametersForm({ schema, errors = {}, disabled = false, ...rest }: Props) {
  const { t } = useTranslation();
  if (!Object.keys(schema.properties ?? {}).length) {
    return <Empty image={Empty.PRESENTED_IMAGE_SIMPLE} description={t('algorithms.parameters.none')} />;
  }
  return (
    <Form component={false} layout="vertical" disabled={disabled}>
      <Parameters schema={schema} errors={errors} disabled={disabled} path="" {...rest} />
    </Form>
  );
}

type GroupProps = Required<Props> & { path: string };

function Parameters({ schema, value, onChange, errors, disabled, path }: GroupProps) {
  const { t } = useTranslation();
  const inLanguage = useInLanguage();
  const [opened, setOpened] = useState(false);
  const rules = Object.entries(schema.properties ?? {});
  const first = rules.length > MANY ? rules.slice(0, SHOWN_OF_MANY) : rules;
  const rest = rules.slice(first.length);
  // A fault must not hide.
  const faulty = rest.some(([name]) => Object.keys(errors).some((key) => `${key}.`.startsWith(`${path}${name}.`)));

  const change = (name: string, given: unknown) => {
    const { [name]: _, ...others } = value;
    onChange(given === undefined ? others : { ...value, [name]: given });
  };
  const field = ([name, rule]: [string, JsonSchema]): ReactNode =>
    rule.type === 'object' ? (
      <fieldset key={name} style={{ gridColumn: '1 / -1', border: 0, margin: 0, padding: 0 }}>
        <Typography.Text strong>{rule.title ? inLanguage(rule.title) : name}</Typography.Text>
        <Parameters
          schema={rule}
          value={(value[name] ?? {}) as Values}
          onChange={(inner) => change(name, inner)}
          errors={errors}
          disabled={disabled}
          path={`${path}${name}.`}
        />
      </fieldset>
    ) : (
      <ParameterField
        key={name}
        name={name}
        rule={rule}
        value={value[name]}
        onChange={(given) => change(name, given)}
        error={errors[path + name]}
        required={schema.required?.includes(name) ?? false}
        disabled={disabled}
      />
    );

  return (
    <>
      <Grid>{first.map(field)}</Grid>
      {rest.length > 0 && (
        <Collapse
          ghost
          size="small"
          activeKey={opened || faulty ? 'more' : []}
          onChange={(keys) => setOpened(keys.length > 0)}
          styles={{ header: { paddingInline: 0 }, body: { paddingInline: 0 } }}
          items={[
            {
              key: 'more',
              label: t('algorithms.parameters.more', { count: rest.length }),
              children: <Grid>{rest.map(field)}</Grid>,
            },
          ]}
        />
      )}
    </>
  );
}

function Grid({ children }: { children: ReactNode }) {
  return (
    <div style={{ display: 'grid', gridTemplateColumns: 'repeat(auto-fill, minmax(min(280px, 100%), 1fr))', columnGap: 24 }}>
      {children}
    </div>
  );
}
