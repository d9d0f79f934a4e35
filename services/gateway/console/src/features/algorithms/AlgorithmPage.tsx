import { Card, Flex, Tag, Typography } from 'antd';
import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import { Link, useParams } from 'react-router';

import type { Algorithm } from '@/api/types';
import { Loading } from '@/app/states';
import { ErrorAlert, ErrorResult } from '@/components/errors';
import { Page } from '@/components/Page';
import { OnlineTag } from '@/features/datasets/OnlineTag';
import { usePurposeText } from '@/features/datasets/purpose';
import { lazily } from '@/components/lazily';
import { useInLanguage } from '@/i18n/bilingual';

import { AlgorithmActions } from './AlgorithmActions';
import { AlgorithmFacts } from './AlgorithmFacts';
import { useAlgorithm } from './api';
import { InterfaceCard } from './InterfaceCard';
import { defaultsOf, type JsonSchema, schemaOf } from './schema';
import { useAlgorithmTitle } from './title';

const ParametersForm = lazily(async () => (await import('./ParametersForm')).ParametersForm);

export default function AlgorithmPage() {
  const { t } = useTranslation();
  const { id = '' } = useParams();
  const query = useAlgorithm(id);
  const title = useAlgorithmTitle();
  const inLanguage = useInLanguage();
  if (query.isPending) return <Loading />;
  if (!query.data) return <ErrorResult error={query.error} onRetry={() => void query.refetch()} />;
  const algorithm = query.data;
  return (
    <Page
      title={title(algorithm)}
      parent={{ title: t('algorithms.title'), to: '/algorithms' }}
      beside={<OnlineTag online={algorithm.online} />}
      actions={<AlgorithmActions algorithm={algorithm} />}
    >
      <ErrorAlert error={query.error} onRetry={() => void query.refetch()} />
      <Flex vertical gap={16}>
        <Card title={t('algorithms.facts')}>
          <Typography.Paragraph style={{ maxWidth: 880, overflowWrap: 'anywhere' }}>
            {inLanguage(algorithm.description) || t('algorithms.noDescription')}
          </Typography.Paragraph>
          <AlgorithmFacts algorithm={algorithm} />
        </Card>
        <DataCard algorithm={algorithm} />
        <ParametersCard text={algorithm.training?.parameters_schema} />
        <InterfaceCard shape={algorithm.inference?.interface} />
      </Flex>
    </Page>
  );
}

function DataCard({ algorithm }: { algorithm: Algorithm }) {
  const { t } = useTranslation();
  const purpose = usePurposeText();
  return (
    <Card
      title={t('algorithms.data')}
      extra={
        <Link to={`/datasets?purpose=${encodeURIComponent(algorithm.purpose?.level1 ?? '')}`}>
          {t('algorithms.findDatasets')}
        </Link>
      }
    >
      <Flex gap={8} align="center" wrap>
        {t('algorithms.dataText', { purpose: purpose(algorithm.purpose) })}
        {algorithm.data_formats.map((format) => (
          <Tag key={format}>{t(`datasets.formats.${format as 'dir'}`)}</Tag>
        ))}
      </Flex>
    </Card>
  );
}

function ParametersCard({ text }: { text: string | undefined }) {
  const { t } = useTranslation();
  const schema = useMemo(() => readable(text), [text]);
  return (
    <Card title={t('algorithms.parametersTitle')}>
      {schema ? (
        <>
          <Typography.Paragraph type="secondary">{t('algorithms.parametersLead')}</Typography.Paragraph>
          <ParametersForm schema={schema} value={defaultsOf(schema)} onChange={() => undefined} disabled />
        </>
      ) : (
        t('algorithms.parametersBroken')
      )}
    </Card>
  );
}

function readable(text: string | undefined): JsonSchema | null {
  try {
    return schemaOf(text);
  } catch {
    return null;
  }
}
