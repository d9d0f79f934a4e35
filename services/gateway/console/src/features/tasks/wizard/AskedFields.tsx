import { Form, InputNumber } from 'antd';
import { useTranslation } from 'react-i18next';

import type { Algorithm } from '@/api/types';

import type { Asked } from './draft';

const LONGEST_H = 720;

interface Props<T extends Asked> {
  value: T;
  onChange: (value: T) => void;
  algorithm: Algorithm | undefined;
}

interface Field {
  name: keyof Asked;
  label: string;
  unit: string;
  min: number;
  max: number;
  step: number;
  hint?: string;
  disabled?: boolean;
}

/** Cores, memory, cards and time limit. */
export function AskedFields<T extends Asked>({ value, onChange, algorithm }: Props<T>) {
  const { t } = useTranslation();
  const device = algorithm?.training?.device;
  const gpuHint =
    device === 'DEVICE_CPU' ? t('tasks.wizard.gpuHint') : device === 'DEVICE_ANY' ? t('tasks.wizard.gpuAnyHint') : '';
  const fields: Field[] = [
    { name: 'cores', label: t('tasks.wizard.cpu'), unit: t('tasks.wizard.cores'), min: 0.1, max: 1000, step: 1 },
    { name: 'memoryGib', label: t('tasks.wizard.memory'), unit: 'GiB', min: 0.25, max: 16384, step: 1 },
    {
      name: 'gpus',
      label: t('tasks.wizard.gpu'),
      unit: t('tasks.wizard.cards'),
      min: 0,
      max: 1000,
      step: 1,
      hint: gpuHint,
      disabled: device === 'DEVICE_CPU',
    },
    {
      name: 'hours',
      label: t('tasks.wizard.timeLimit'),
      unit: t('tasks.wizard.hours'),
      min: 0.01,
      max: LONGEST_H,
      step: 1,
      hint: t('tasks.wizard.timeLimitHint'),
    },
  ];
  return (
    <div style={{ display: 'grid', columnGap: 16, gridTemplateColumns: 'repeat(auto-fill, minmax(220px, 1fr))' }}>
      {fields.map(({ name, label, unit, hint, ...rest }) => (
        <Form.Item key={name} label={label} htmlFor={`asked-${name}`} extra={hint} style={{ marginBlockEnd: 12 }}>
          <InputNumber
            id={`asked-${name}`}
            {...rest}
            {...(name === 'gpus' ? { precision: 0 } : {})}
            suffix={unit}
            value={value[name]}
            onChange={(given) => given !== null && onChange({ ...value, [name]: given })}
            style={{ width: '100%' }}
          />
        </Form.Item>
      ))}
    </div>
  );
}
