import { DownloadOutlined } from '@ant-design/icons';
import { Button, Card, Descriptions, Flex, Statistic, Tag, Tooltip, Typography } from 'antd';
import { type ReactNode, useState } from 'react';
import { useTranslation } from 'react-i18next';

import type { ModelVersion } from '@/api/types';
import { bytes, Id, percent, When } from '@/components/format';
import { InterfaceView } from '@/components/InterfaceView';
import { lazily } from '@/components/lazily';

import { downloadOf } from './api';
import { LabelTags } from './LabelTags';
import { ProvenanceView } from './ProvenanceView';

const NewServiceModal = lazily(async () => (await import('@/features/services/NewServiceModal')).NewServiceModal);
const ParametersTable = lazily(async () => (await import('./ParametersTable')).ParametersTable);

const SCORES = ['accuracy', 'precision', 'recall', 'f1'] as const;

interface Props {
  version: ModelVersion;
  latest: boolean;
}

/** All that is known of one version. */
export function VersionCard({ version, latest }: Props) {
  const { t } = useTranslation();
  const { scores, provenance } = version;
  return (
    <Card
      size="small"
      title={
        <Flex gap={8} align="center">
          {t('models.chosenVersion', { number: version.number })}
          {latest && <Tag>{t('models.isLatest')}</Tag>}
        </Flex>
      }
      extra={<VersionActions version={version} />}
    >
      <Flex gap="12px 40px" wrap style={{ marginBlockEnd: 16 }} role="group" aria-label={t('models.scores')}>
        {SCORES.map((name) => (
          <Statistic key={name} title={t(`models.${name}`)} value={percent(scores?.[name], 2)} />
        ))}
      </Flex>
      <Descriptions
        size="small"
        column={{ xs: 1, md: 2, xl: 3 }}
        items={[
          { key: 'framework', label: t('models.framework'), children: <FrameworkText name={version.framework} /> },
          {
            key: 'size',
            label: t('models.size'),
            children: t('models.sizeOf', {
              size: bytes(version.bundle?.bytes),
              count: Number(version.bundle?.files ?? 0),
            }),
          },
          { key: 'created', label: t('common.created'), children: <When at={version.created_at} /> },
          { key: 'id', label: t('common.id'), children: <Id value={version.id} />, span: 'filled' },
        ]}
      />
      <Section title={t('models.labels', { count: version.labels.length })}>
        <LabelTags labels={version.labels} />
      </Section>
      {provenance && (
        <>
          <Section title={t('models.provenance')}>
            <ProvenanceView of={provenance} />
          </Section>
          <Section title={t('models.parameters')}>
            <ParametersTable json={provenance.parameters} />
          </Section>
        </>
      )}
      <Section title={t('services.interface')}>
        <InterfaceView shown={version.interface} />
      </Section>
    </Card>
  );
}

function Section({ title, children }: { title: string; children: ReactNode }) {
  return (
    <section style={{ marginBlockStart: 20 }}>
      <Typography.Title level={2} style={{ fontSize: 15, marginBlockEnd: 8 }}>
        {title}
      </Typography.Title>
      {children}
    </section>
  );
}

function FrameworkText({ name }: { name: string }) {
  const { t } = useTranslation();
  return name === 'onnx' || name === 'torchscript' || name === 'sklearn' ? t(`models.frameworks.${name}`) : name;
}

function VersionActions({ version }: { version: ModelVersion }) {
  const { t } = useTranslation();
  const [making, setMaking] = useState(false);
  const possible = Boolean(version.interface?.parameters.length);
  return (
    <Flex gap={8} wrap>
      <Button icon={<DownloadOutlined />} href={downloadOf(version.id)} download={`${version.model_name}-${version.number}.zip`}>
        {t('common.download')}
      </Button>
      <Tooltip title={possible ? '' : t('models.noInterface')}>
        <Button type="primary" disabled={!possible} onClick={() => setMaking(true)}>
          {t('models.makeService')}
        </Button>
      </Tooltip>
      {making && <NewServiceModal version={version} onClose={() => setMaking(false)} />}
    </Flex>
  );
}
