import { Typography } from 'antd';
import { useTranslation } from 'react-i18next';

import type { Algorithm } from '@/api/types';
import { EmptyHint } from '@/components/EmptyHint';
import { usePurposeText } from '@/features/datasets/purpose';

import { LinkButton } from '../LinkButton';
import { Choices } from './Choices';
import { type Draft, purposeKey, withPurpose } from './draft';

interface Props {
  draft: Draft;
  onChange: (draft: Draft) => void;
  algorithms: Algorithm[];
}

export function PurposeStep({ draft, onChange, algorithms }: Props) {
  const { t } = useTranslation();
  const purposeText = usePurposeText();
  const purposes = [...new Set(algorithms.map(purposeKey))].sort();
  if (!purposes.length) {
    return (
      <EmptyHint text={t('tasks.wizard.noAlgorithm')}>
        <LinkButton to="/algorithms" type="primary">
          {t('tasks.wizard.toAlgorithms')}
        </LinkButton>
      </EmptyHint>
    );
  }
  return (
    <Choices
      label={t('tasks.wizard.choosePurpose')}
      value={draft.purpose}
      onChange={(purpose) => onChange(withPurpose(draft, purpose))}
      choices={purposes.map((key) => {
        const these = algorithms.filter((algorithm) => purposeKey(algorithm) === key);
        return {
          value: key,
          title: purposeText(these[0]?.purpose),
          children: (
            <Typography.Text type="secondary">{t('tasks.wizard.algorithmsOf', { count: these.length })}</Typography.Text>
          ),
        };
      })}
    />
  );
}
