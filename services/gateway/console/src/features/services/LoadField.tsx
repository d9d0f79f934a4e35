import { Flex, InputNumber, Slider } from 'antd';
import { useTranslation } from 'react-i18next';

import { LOAD } from './api';

interface Props {
  id?: string;
  value?: number;
  onChange?: (load: number) => void;
}

/** Number of instances, as a slider and as a number; a form's field. */
export function LoadField({ id, value = LOAD.min, onChange }: Props) {
  const { t } = useTranslation();
  return (
    <Flex gap={16} align="center">
      <Slider
        {...LOAD}
        value={value}
        onChange={onChange}
        ariaLabelForHandle={t('services.instances')}
        style={{ flex: 1 }}
      />
      <InputNumber
        {...LOAD}
        id={id}
        precision={0}
        value={value}
        onChange={(load) => onChange?.(load ?? LOAD.min)}
        style={{ width: 88 }}
      />
    </Flex>
  );
}
