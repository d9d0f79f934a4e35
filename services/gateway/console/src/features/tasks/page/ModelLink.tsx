import { GoldOutlined } from '@ant-design/icons';
import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';

import { api, ask } from '@/api/client';

import { LinkButton } from '../LinkButton';

/** To the model that was published; nothing when it is gone. */
export function ModelLink({ versionId }: { versionId: string }) {
  const { t } = useTranslation();
  const { data } = useQuery({
    queryKey: ['models', 'of-tasks', versionId],
    queryFn: () => ask(api.GET('/api/v1/modelVersions/{id}', { params: { path: { id: versionId } } })),
    retry: false,
  });
  if (!data) return null;
  return (
    <LinkButton type="primary" icon={<GoldOutlined />} to={`/models/${data.model_id}`} title={`${data.model_name} ${data.number}`}>
      {t('tasks.page.openModel')}
    </LinkButton>
  );
}
