import { Button, Flex } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useParams } from 'react-router';

import { ApiError } from '@/api/errors';
import { Loading } from '@/app/states';
import { ErrorAlert, ErrorResult } from '@/components/errors';
import { useFilter } from '@/components/list';
import { Page } from '@/components/Page';
import { lazily } from '@/components/lazily';
import { usePurposeText } from '@/features/datasets/purpose';

import { useModel, useVersion } from './api';
import { UsedBy } from './UsedBy';
import { VersionCard } from './VersionCard';

const DeleteModelModal = lazily(async () => (await import('./DeleteModelModal')).DeleteModelModal);
const VersionsTable = lazily(async () => (await import('./VersionsTable')).VersionsTable);

export default function ModelPage() {
  const { t } = useTranslation();
  const purpose = usePurposeText();
  const { id = '' } = useParams();
  const [chosen, choose] = useFilter('version');
  const [deleting, setDeleting] = useState(false);
  const query = useModel(id);
  const versionId = chosen || (query.data?.latest_version_id ?? '');
  const version = useVersion(versionId);
  if (query.error && (!query.data || (query.error instanceof ApiError && query.error.code === 404))) {
    return <ErrorResult error={query.error} onRetry={() => void query.refetch()} />;
  }
  if (!query.data) return <Loading />;
  const model = query.data;
  return (
    <Page
      title={model.name}
      parent={{ title: t('models.title'), to: '/models' }}
      lead={purpose(model.purpose)}
      actions={
        <Button danger onClick={() => setDeleting(true)}>
          {t('common.delete')}
        </Button>
      }
    >
      <Flex vertical gap={16}>
        <VersionsTable model={model} chosen={versionId} onChoose={choose} />
        <ErrorAlert error={version.error} onRetry={() => void version.refetch()} />
        {version.isPending && <Loading />}
        {version.data && <VersionCard version={version.data} latest={version.data.id === model.latest_version_id} />}
        <UsedBy modelId={model.id} />
      </Flex>
      {deleting && <DeleteModelModal model={model} onClose={() => setDeleting(false)} />}
    </Page>
  );
}
