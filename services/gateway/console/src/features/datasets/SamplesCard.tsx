import { Card, Flex, Select, Spin, Typography } from 'antd';
import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';

import type { Dataset, Sample } from '@/api/types';
import { EmptyHint } from '@/components/EmptyHint';
import { ErrorAlert } from '@/components/errors';
import { count } from '@/components/format';
import { lazily } from '@/components/lazily';

import { useSamples } from './api';

const TextReader = lazily(async () => (await import('./TextReader')).TextReader);
const ImageGrid = lazily(async () => (await import('./ImageGrid')).ImageGrid);

interface Props {
  dataset: Dataset;
  className: string;
  onClass: (name: string) => void;
}

/** The samples that were read so far, and how to get at more. */
export interface SampleSource {
  datasetId: string;
  samples: Sample[];
  total: number;
  /** Reads the next page; does nothing while that runs, or at the end. */
  readMore: () => void;
}

/** The samples of the current version: images in a grid, texts to read. */
export function SamplesCard({ dataset, className, onClass }: Props) {
  const { t } = useTranslation();
  const query = useSamples(dataset, className);
  const { hasNextPage, isFetching, fetchNextPage } = query;
  const source = useMemo<SampleSource>(
    () => ({
      datasetId: dataset.id,
      samples: query.data?.pages.flatMap((page) => page.samples) ?? [],
      total: Number(query.data?.pages[0]?.total_size ?? 0),
      readMore: () => {
        if (hasNextPage && !isFetching) void fetchNextPage();
      },
    }),
    [dataset.id, query.data, hasNextPage, isFetching, fetchNextPage],
  );
  const View = dataset.purpose?.level1 === 'text' ? TextReader : ImageGrid;
  return (
    <Card title={t('datasets.browse.title')} styles={{ body: { padding: 12 } }}>
      <Flex gap={12} align="center" justify="space-between" wrap style={{ marginBlockEnd: 12 }}>
        <Select
          aria-label={t('datasets.browse.byClass')}
          style={{ width: 260, maxWidth: '100%' }}
          showSearch
          value={className}
          onChange={onClass}
          options={[
            { value: '', label: t('datasets.browse.allClasses') },
            ...(dataset.version?.classes ?? []).map(({ name }) => ({ value: name, label: name })),
          ]}
        />
        <Typography.Text type="secondary" className="numbers" role="status">
          {query.isPending ? '' : t('datasets.browse.count', { total: count(source.total) })}
        </Typography.Text>
      </Flex>
      <ErrorAlert error={query.error} onRetry={() => void query.refetch()} />
      {query.isPending ? (
        <Flex justify="center" style={{ padding: 40 }} role="status" aria-label={t('common.loading')}>
          <Spin />
        </Flex>
      ) : source.samples.length ? (
        <View key={className} {...source} />
      ) : (
        !query.error && <EmptyHint text={t('datasets.browse.none')} />
      )}
    </Card>
  );
}
