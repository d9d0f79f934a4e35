import { Descriptions, Typography } from 'antd';
import { useTranslation } from 'react-i18next';

import type { Algorithm } from '@/api/types';
import { bytes, count, Id, When } from '@/components/format';
import { usePurposeText } from '@/features/datasets/purpose';

export function AlgorithmFacts({ algorithm }: { algorithm: Algorithm }) {
  const { t } = useTranslation();
  const purpose = usePurposeText();
  const { training, inference, code } = algorithm;
  const command = [...(training?.command ?? []), ...(training?.args ?? [])].join(' ');
  return (
    <Descriptions
      column={{ xs: 1, md: 2, xl: 3 }}
      items={[
        { label: t('algorithms.identifier'), children: <span translate="no">{algorithm.name}</span> },
        { label: t('common.id'), children: <Id value={algorithm.id} /> },
        { label: t('algorithms.version'), children: `v${algorithm.major_version}` },
        { label: t('common.purpose'), children: purpose(algorithm.purpose) },
        { label: t('common.visibility'), children: t(`common.visibilities.${algorithm.visibility}`) },
        {
          label: t('algorithms.trainingDevice'),
          children: t(`algorithms.devices.${training?.device ?? 'DEVICE_UNSPECIFIED'}`),
        },
        {
          label: t('algorithms.inferenceDevice'),
          children: t(`algorithms.devices.${inference?.device ?? 'DEVICE_UNSPECIFIED'}`),
        },
        { label: t('algorithms.framework'), children: inference?.framework || t('common.none') },
        {
          label: t('algorithms.command'),
          children: command ? <Typography.Text code>{command}</Typography.Text> : t('common.none'),
        },
        {
          label: t('algorithms.codeSize'),
          children: t('algorithms.files', { files: count(code?.files), size: bytes(code?.bytes) }),
        },
        { label: t('common.created'), children: <When at={algorithm.created_at} /> },
        { label: t('common.updated'), children: <When at={algorithm.updated_at} /> },
      ]}
    />
  );
}
