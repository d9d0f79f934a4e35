import { Flex } from 'antd';
import { useTranslation } from 'react-i18next';
import { useParams } from 'react-router';

import type { Dataset } from '@/api/types';
import { Loading } from '@/app/states';
import { ErrorAlert, ErrorResult } from '@/components/errors';
import { useFilter } from '@/components/list';
import { Page } from '@/components/Page';
import { lazily } from '@/components/lazily';
import { useMayChange } from '@/features/session/rights';

import { useDataset } from './api';
import { ClassesCard } from './ClassesCard';
import { DatasetActions } from './DatasetActions';
import { DatasetFacts } from './DatasetFacts';
import { DatasetStateTag } from './DatasetStateTag';
import { ImportingCard } from './ImportingCard';
import { OnlineTag } from './OnlineTag';
import { useTransfer } from './uploads';

const SamplesCard = lazily(async () => (await import('./SamplesCard')).SamplesCard);

const ImportCard = lazily(async () => (await import('./ImportCard')).ImportCard);
const ProblemsCard = lazily(async () => (await import('./ProblemsCard')).ProblemsCard);

export default function DatasetPage() {
  const { t } = useTranslation();
  const { id = '' } = useParams();
  const query = useDataset(id);
  const transfer = useTransfer(id);
  if (query.isPending) return <Loading />;
  if (!query.data) return <ErrorResult error={query.error} onRetry={() => void query.refetch()} />;
  const dataset = query.data;
  return (
    <Page
      title={dataset.name}
      parent={{ title: t('datasets.title'), to: '/datasets' }}
      beside={
        <>
          <DatasetStateTag dataset={dataset} />
          <OnlineTag online={dataset.online} />
        </>
      }
      actions={<DatasetActions dataset={dataset} />}
    >
      <ErrorAlert error={query.error} onRetry={() => void query.refetch()} />
      <Flex vertical gap={16}>
        {dataset.state === 'STATE_IMPORTING' && <ImportingCard progress={dataset.import_progress} />}
        {dataset.state === 'STATE_FAILED' && !transfer && <ProblemsCard dataset={dataset} />}
        <ImportSection dataset={dataset} />
        <DatasetFacts dataset={dataset} />
        {dataset.version && <Content dataset={dataset} />}
      </Flex>
    </Page>
  );
}

/** For those who may import, and while an import can begin. */
function ImportSection({ dataset }: { dataset: Dataset }) {
  const mayChange = useMayChange()(dataset);
  if (!mayChange || dataset.state === 'STATE_IMPORTING' || dataset.online) return null;
  return <ImportCard key={dataset.id} dataset={dataset} />;
}

function Content({ dataset }: { dataset: Dataset }) {
  const [className, setClassName] = useFilter('class');
  return (
    <>
      <ClassesCard
        classes={dataset.version?.classes ?? []}
        independent={dataset.test_set_mode === 'TEST_SET_MODE_INDEPENDENT'}
        chosen={className}
        onChoose={setClassName}
      />
      <SamplesCard dataset={dataset} className={className} onClass={setClassName} />
    </>
  );
}
