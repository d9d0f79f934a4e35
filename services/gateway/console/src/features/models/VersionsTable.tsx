import { Button, Card, type TableColumnsType, Tag, theme } from 'antd';
import type { TFunction } from 'i18next';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';

import type { Model, ModelVersion } from '@/api/types';
import { ErrorAlert } from '@/components/errors';
import { bytes, percent, When } from '@/components/format';
import { Table } from '@/components/Table';

import { useVersions } from './api';

interface Props {
  model: Model;
  chosen: string;
  onChoose: (versionId: string) => void;
}

/** The versions of a model, newest first; one of them is chosen. */
export function VersionsTable({ model, chosen, onChoose }: Props) {
  const { t } = useTranslation();
  const { token } = theme.useToken();
  const list = useVersions(model.id);
  return (
    <Card title={t('models.versions')} size="small">
      <ErrorAlert error={list.error} onRetry={() => void list.refetch()} />
      <Table<ModelVersion>
        aria-label={t('models.versions')}
        rowKey="id"
        size="small"
        pagination={false}
        loading={list.isPending}
        locale={{ emptyText: ' ' }}
        scroll={{ x: 720, y: 240 }}
        columns={columns(t, model.latest_version_id, chosen)}
        dataSource={list.items}
        onRow={(version) => ({
          onClick: () => onChoose(version.id),
          'aria-current': version.id === chosen ? 'true' : undefined,
          style: {
            cursor: 'pointer',
            ...(version.id === chosen ? { background: token.controlItemBgActive, fontWeight: 600 } : {}),
          },
        })}
      />
      {list.hasNextPage && (
        <Button type="link" loading={list.isFetchingNextPage} onClick={() => void list.fetchNextPage()}>
          {t('common.loadMore')}
        </Button>
      )}
    </Card>
  );
}

function columns(t: TFunction, latest: string, chosen: string): TableColumnsType<ModelVersion> {
  const score = (name: 'accuracy' | 'precision' | 'recall' | 'f1') => ({
    title: t(`models.${name}`),
    width: 96,
    align: 'end' as const,
    className: 'numbers',
    render: (_: unknown, version: ModelVersion) => percent(version.scores?.[name]),
  });
  return [
    {
      title: t('common.version'),
      width: 150,
      className: 'numbers',
      render: (_, version) => (
        <>
          <Link
            to={`?version=${version.id}`}
            aria-current={version.id === chosen ? 'true' : undefined}
            onClick={(event) => event.stopPropagation()}
            style={{ color: 'inherit', textDecoration: 'underline' }}
          >
            {version.number}
          </Link>
          {version.id === latest && <Tag style={{ marginInlineStart: 8 }}>{t('models.isLatest')}</Tag>}
        </>
      ),
    },
    score('accuracy'),
    score('precision'),
    score('recall'),
    score('f1'),
    {
      title: t('models.size'),
      width: 100,
      align: 'end',
      className: 'numbers',
      render: (_, version) => bytes(version.bundle?.bytes),
    },
    { title: t('common.created'), width: 130, align: 'end', render: (_, version) => <When at={version.created_at} /> },
  ];
}
