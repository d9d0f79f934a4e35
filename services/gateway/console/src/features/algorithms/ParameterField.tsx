import { Form, Input, InputNumber, Select, Switch, Typography } from 'antd';
import { useId } from 'react';
import { useTranslation } from 'react-i18next';

import { useInLanguage } from '@/i18n/bilingual';

import { type JsonSchema, rangeOf } from './schema';

interface Props {
  name: string;
  rule: JsonSchema;
  value: unknown;
  /** `undefined` leaves the parameter to its default. */
  onChange: (value: unknown) => void;
  error?: string;
  required: boolean;
  disabled: boolean;
}

/** One parameter with its title, its meaning, its bounds and its default. */
export function ParameterField({ name, rule, value, onChange, error, required, disabled }: Props) {
  const { t } = useTranslation();
  const inLanguage = useInLanguage();
  const id = useId();
  const title = rule.title ? inLanguage(rule.title) : '';
  const notes = [rangeOf(rule), rule.default !== undefined && t('algorithms.parameters.default', { value: shown(rule.default) })];
  return (
    <Form.Item
      htmlFor={id}
      required={required && rule.default === undefined}
      style={{ marginBlockEnd: 12 }}
      label={
        <span style={{ overflowWrap: 'anywhere' }}>
          {title || name}
          {title && (
            <Typography.Text type="secondary" code style={{ marginInlineStart: 6 }} translate="no">
              {name}
            </Typography.Text>
          )}
        </span>
      }
      validateStatus={error ? 'error' : ''}
      help={error && <span id={`${id}-help`}>{error}</span>}
      extra={
        <div id={`${id}-extra`} style={{ fontSize: 12 }}>
          {rule.description && <div>{inLanguage(rule.description)}</div>}
          <div className="numbers">{notes.filter(Boolean).join('; ')}</div>
        </div>
      }
    >
      <Control
        rule={rule}
        value={value}
        onChange={onChange}
        disabled={disabled}
        id={id}
        aria-invalid={Boolean(error)}
        aria-describedby={error ? `${id}-help ${id}-extra` : `${id}-extra`}
      />
    </Form.Item>
  );
}

type ControlProps = Pick<Props, 'rule' | 'value' | 'onChange' | 'disabled'> & {
  id: string;
  'aria-invalid': boolean;
  'aria-describedby': string;
};

function Control({ rule, value, onChange, ...rest }: ControlProps) {
  if (rule.enum) {
    const options = rule.enum.map((choice) => ({ value: choice as string, label: shown(choice) }));
    return <Select {...rest} options={options} value={value as string} onChange={onChange} />;
  }
  switch (rule.type) {
    case 'boolean':
      return <Switch {...rest} checked={value === true} onChange={onChange} />;
    case 'integer':
    case 'number':
      return (
        <InputNumber<number>
          {...rest}
          style={{ width: '100%' }}
          step={stepOf(rule)}
          placeholder={rule.default === undefined ? '' : shown(rule.default)}
          value={(value as number | undefined) ?? null}
          onChange={(number) => onChange(number ?? undefined)}
        />
      );
    case 'array':
      return <ListControl {...rest} rule={rule} value={value} onChange={onChange} />;
    default:
      return (
        <Input
          {...rest}
          value={typeof value === 'string' ? value : ''}
          onChange={(event) => onChange(event.target.value)}
        />
      );
  }
}

/** Lists of numbers and texts are typed entry by entry; lists of lists keep their default. */
function ListControl({ rule, value, onChange, ...rest }: ControlProps) {
  const numeric = rule.items?.type === 'integer' || rule.items?.type === 'number';
  if (!numeric && rule.items?.type !== 'string') return <Input {...rest} disabled value={shown(value ?? [])} />;
  const read = (entry: string) => (numeric && !Number.isNaN(Number(entry)) ? Number(entry) : entry);
  return (
    <Select
      {...rest}
      mode="tags"
      open={false}
      suffixIcon={null}
      tokenSeparators={[',', '，', ' ']}
      value={Array.isArray(value) ? value.map(String) : []}
      onChange={(entries: string[]) => onChange(entries.map(read))}
    />
  );
}

function shown(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** How far one press of an arrow key goes: a unit, or the first digit of the default. */
function stepOf(rule: JsonSchema): number {
  if (rule.type === 'integer') return 1;
  const size = Math.abs(Number(rule.default ?? 0));
  return size ? 10 ** Math.min(Math.floor(Math.log10(size)), 0) : 0.1;
}
