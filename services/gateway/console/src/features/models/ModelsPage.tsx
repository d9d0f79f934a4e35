import { Button, type TableColumnsType } from 'antd';
import type { TFunction } from 'i18next';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';

import type { Model } from '@/api/types';
import { EmptyHint } from '@/components/EmptyHint';
import { count, When } from '@/components/format';
import { ListTable } from '@/components/list';
import { Page } from '@/components/Page';
import { usePurposeText } from '@/features/datasets/purpose';

import { useModels } from './api';

export default function ModelsPage() {
  const { t } = useTranslation();
  const purpose = usePurposeText();
  return (
    <Page title={t('models.title')} lead={t('models.lead')}>
      <ListTable<Model>
        label={t('models.title')}
        list={useModels()}
        width={760}
        columns={columns(t, purpose)}
        empty={
          <EmptyHint text={t('models.empty')}>
            <Link to="/tasks">
              <Button>{t('models.toTasks')}</Button>
            </Link>
          </EmptyHint>
        }
      />
    </Page>
  );
}

function columns(t: TFunction, purpose: ReturnType<typeof usePurposeText>): TableColumnsType<Model> {
  return [
    {
      title: t('common.name'),
      width: 300,
      render: (_, model) => (
        <Link to={`/models/${model.id}`} style={{ overflowWrap: 'anywhere' }}>
          {model.name}
        </Link>
      ),
    },
    { title: t('common.purpose'), width: 160, render: (_, model) => purpose(model.purpose) },
    {
      title: t('models.latest'),
      width: 120,
      className: 'numbers',
      render: (_, model) => (
        <Link to={`/models/${model.id}?version=${model.latest_version_id}`}>{model.latest_version}</Link>
      ),
    },
    {
      title: t('models.versionCount'),
      width: 100,
      align: 'end',
      className: 'numbers',
      render: (_, model) => count(model.version_count),
    },
    { title: t('common.updated'), width: 140, align: 'end', render: (_, model) => <When at={model.updated_at} /> },
  ];
}
