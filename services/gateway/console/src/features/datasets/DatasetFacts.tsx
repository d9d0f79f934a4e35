import { Card, Descriptions, Typography } from 'antd';
import { useTranslation } from 'react-i18next';

import type { Dataset } from '@/api/types';
import { bytes, count, Id, When } from '@/components/format';

import { usePurposeText } from './purpose';

export function DatasetFacts({ dataset }: { dataset: Dataset }) {
  const { t } = useTranslation();
  const purpose = usePurposeText();
  const { version, description, production_environment: place } = dataset;
  const environment = [place?.factory, place?.plant, place?.station, place?.products.join(', ')].filter(Boolean);
  return (
    <Card title={t('datasets.facts.title')}>
      {description && (
        <Typography.Paragraph style={{ maxWidth: 880, whiteSpace: 'pre-wrap', overflowWrap: 'anywhere' }}>
          {description}
        </Typography.Paragraph>
      )}
      <Descriptions
        column={{ xs: 1, md: 2, xl: 3 }}
        items={[
          { label: t('common.id'), children: <Id value={dataset.id} /> },
          { label: t('common.purpose'), children: purpose(dataset.purpose) },
          { label: t('datasets.annotation'), children: t(`datasets.annotations.${dataset.annotation_mode}`) },
          { label: t('datasets.format'), children: t(`datasets.formats.${dataset.format}`) },
          { label: t('datasets.testSet'), children: t(`datasets.testSets.${dataset.test_set_mode}`) },
          { label: t('common.visibility'), children: t(`common.visibilities.${dataset.visibility}`) },
          ...(version
            ? versionFacts(version)
            : [{ label: t('datasets.facts.version'), children: t('datasets.facts.noVersion') }]),
          ...(environment.length
            ? [{ label: t('datasets.facts.environment'), children: environment.join(' / ') }]
            : []),
          { label: t('common.created'), children: <When at={dataset.created_at} /> },
          { label: t('common.updated'), children: <When at={dataset.updated_at} /> },
        ]}
      />
    </Card>
  );

  function versionFacts({ number, bundle, train_samples, test_samples, classes }: NonNullable<typeof version>) {
    const independent = dataset.test_set_mode === 'TEST_SET_MODE_INDEPENDENT';
    const size = { files: count(bundle?.files), size: bytes(bundle?.bytes) };
    return [
      { label: t('datasets.facts.version'), children: number },
      {
        label: t(independent ? 'datasets.facts.trainSamples' : 'datasets.facts.allSamples'),
        children: count(train_samples),
      },
      ...(independent ? [{ label: t('datasets.facts.testSamples'), children: count(test_samples) }] : []),
      { label: t('datasets.classes'), children: count(classes.length) },
      { label: t('datasets.facts.size'), children: t('datasets.facts.sizeText', size) },
    ];
  }
}
