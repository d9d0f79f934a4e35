import { useTranslation } from 'react-i18next';

import { ErrorAlert } from '@/components/errors';
import { Page } from '@/components/Page';
import { Loading } from '@/app/states';

import { useAlgorithmChoices, useDatasetChoices } from './api';
import { begin, useAddress } from './wizard/usePrefill';
import { Wizard } from './wizard/Wizard';

export default function NewTaskPage() {
  const { t } = useTranslation();
  const address = useAddress();
  const algorithms = useAlgorithmChoices();
  const datasets = useDatasetChoices();
  const retry = () => void Promise.all([algorithms.refetch(), datasets.refetch()]);
  return (
    <Page title={t('tasks.wizard.title')} parent={{ title: t('tasks.title'), to: '/tasks' }}>
      <ErrorAlert error={algorithms.error ?? datasets.error} onRetry={retry} />
      {algorithms.data && datasets.data && !address.isPending ? (
        <Wizard
          begun={begin(address, algorithms.data, datasets.data)}
          algorithms={algorithms.data}
          datasets={datasets.data}
        />
      ) : (
        !algorithms.error && !datasets.error && <Loading />
      )}
    </Page>
  );
}
