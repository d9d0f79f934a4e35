import { Alert, Segmented, Typography } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';

import type { Service } from '@/api/types';
import { useCurrentUser } from '@/features/session/api';

import { CodeBlock } from './CodeBlock';
import { sampleImage } from './images';
import { fileOf, givenOf, placeOf, type SnippetKind, snippetsOf, tokenSnippet } from './snippets';

const KINDS: SnippetKind[] = ['curl', 'python', 'tritonHttp', 'grpc'];

/** How programs call a service; what is shown runs as it is. */
export function Snippets({ service }: { service: Service }) {
  const { t } = useTranslation();
  const { data: user } = useCurrentUser();
  const [kind, setKind] = useState<SnippetKind>('curl');
  const place = placeOf(window.location);
  const { code, install } = snippetsOf(service, place)[kind];
  return (
    <>
      {service.state !== 'STATE_RUNNING' && (
        <Alert type="info" showIcon title={t('services.snippets.notRunning')} style={{ marginBlockEnd: 16 }} />
      )}
      <Typography.Title level={2} style={{ fontSize: 16, marginBlockStart: 0 }}>
        {t('services.snippets.token')}
      </Typography.Title>
      <Typography.Paragraph type="secondary">{t('services.snippets.tokenHint')}</Typography.Paragraph>
      <CodeBlock label={t('services.snippets.token')} code={tokenSnippet(place, user?.name ?? '')} />
      <Typography.Title level={2} style={{ fontSize: 16 }}>
        {t('services.snippets.call')}
      </Typography.Title>
      <div style={{ overflowX: 'auto', marginBlockEnd: 12 }}>
        <Segmented<SnippetKind>
          aria-label={t('services.snippets.kind')}
          value={kind}
          onChange={setKind}
          options={KINDS.map((value) => ({ value, label: t(`services.snippets.${value}`) }))}
        />
      </div>
      {install && (
        <Typography.Paragraph type="secondary">
          {t('services.snippets.needs', { command: install })}
        </Typography.Paragraph>
      )}
      <ImagesHint service={service} />
      <CodeBlock label={t(`services.snippets.${kind}`)} code={code} />
      {kind === 'grpc' && <Typography.Paragraph type="secondary">{t('services.snippets.grpcHint')}</Typography.Paragraph>}
      {(kind === 'grpc' || kind === 'tritonHttp') && (
        <Typography.Paragraph type="secondary">{t('services.snippets.oip')}</Typography.Paragraph>
      )}
    </>
  );
}

/** Which images an example reads, and where to get one. */
function ImagesHint({ service }: { service: Service }) {
  const { t } = useTranslation();
  const images = givenOf(service).filter(({ type }) => type === 'image');
  if (!images.length) return null;
  return (
    <Typography.Paragraph type="secondary">
      {t('services.snippets.images', { files: images.map(fileOf).join(', ') })}
      {images.map((parameter) => {
        const sample = sampleImage(fileOf(parameter), parameter.test_value);
        return (
          sample && (
            <a key={parameter.name} href={sample.url} download={sample.name} style={{ marginInlineStart: 8 }}>
              {t('services.snippets.getImage')}
            </a>
          )
        );
      })}
    </Typography.Paragraph>
  );
}
