import { Select } from 'antd';
import { useTranslation } from 'react-i18next';

import zh from '@/i18n/zh/events';

import { useEventName } from './names';

type Kind = keyof typeof zh.kinds;

interface Props {
  value: string;
  onChange: (type: string | undefined) => void;
}

/** All events, all of one resource, or one type. */
export function TypeFilter({ value, onChange }: Props) {
  const { t } = useTranslation();
  const name = useEventName();
  const groups = (Object.keys(zh.kinds) as Kind[]).map((kind) => ({
    label: t(`events.kinds.${kind}`),
    options: [
      { value: `${kind}.*`, label: t('events.typesOf', { what: t(`events.kinds.${kind}`) }) },
      ...Object.keys(zh.types[kind]).map((type) => ({ value: `${kind}.${type}`, label: name(`${kind}.${type}`) })),
    ],
  }));
  return (
    <Select
      aria-label={t('events.type')}
      value={value}
      onChange={(type) => onChange(type || undefined)}
      options={[{ value: '', label: t('events.typeAll') }, ...groups]}
      showSearch={{ optionFilterProp: 'label' }}
      style={{ width: 200 }}
    />
  );
}
