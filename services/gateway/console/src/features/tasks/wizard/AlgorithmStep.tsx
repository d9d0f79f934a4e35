import { Flex, Tag, Typography } from 'antd';
import { useTranslation } from 'react-i18next';

import type { Algorithm } from '@/api/types';
import { useAlgorithmTitle } from '@/features/algorithms/title';
import { useInLanguage } from '@/i18n/bilingual';

import { Choices } from './Choices';
import { type Draft, purposeKey, withAlgorithm } from './draft';

interface Props {
  draft: Draft;
  onChange: (draft: Draft) => void;
  algorithms: Algorithm[];
}

export function AlgorithmStep({ draft, onChange, algorithms }: Props) {
  const { t } = useTranslation();
  const titleOf = useAlgorithmTitle();
  const inLanguage = useInLanguage();
  const fitting = algorithms.filter((algorithm) => purposeKey(algorithm) === draft.purpose);
  return (
    <Choices
      label={t('tasks.wizard.chooseAlgorithm')}
      value={draft.algorithm?.id ?? ''}
      onChange={(id) => {
        const chosen = fitting.find((algorithm) => algorithm.id === id);
        if (chosen) onChange(withAlgorithm(draft, chosen));
      }}
      choices={fitting.map((algorithm) => ({
        value: algorithm.id,
        title: titleOf(algorithm),
        children: (
          <>
            <Typography.Paragraph type="secondary" ellipsis={{ rows: 3 }} style={{ margin: 0 }}>
              {inLanguage(algorithm.description)}
            </Typography.Paragraph>
            <Flex gap={4} wrap>
              <Tag>{t(`common.visibilities.${algorithm.visibility}`)}</Tag>
              <Tag>{t(`algorithms.devices.${algorithm.training?.device ?? 'DEVICE_UNSPECIFIED'}`)}</Tag>
              <Tag>{`v${algorithm.major_version}`}</Tag>
            </Flex>
          </>
        ),
      }))}
    />
  );
}
