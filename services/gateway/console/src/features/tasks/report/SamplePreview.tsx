import { useQuery } from '@tanstack/react-query';
import { Skeleton, theme, Typography } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';

import { ApiError } from '@/api/errors';

const HEIGHT = 112;
const TEXTS = /\.(?:txt|md|csv|json|xml|html?|text)$/i;

interface Props {
  datasetId: string;
  path: string;
  /** Inline text; then there is no path. */
  text: string;
}

function contentUrl(datasetId: string, path: string): string {
  return `/api/v1/datasets/${encodeURIComponent(datasetId)}/content?path=${encodeURIComponent(path)}`;
}

/** A sample to look at: its picture, or the beginning of its text. */
export function SamplePreview({ datasetId, path, text }: Props) {
  if (text || !path) return <Excerpt text={text} />;
  return (
    <>
      {TEXTS.test(path) ? <TextFile datasetId={datasetId} path={path} /> : <Picture datasetId={datasetId} path={path} />}
      <Typography.Text type="secondary" ellipsis={{ tooltip: path }} style={{ fontSize: 12 }}>
        {path}
      </Typography.Text>
    </>
  );
}

function Excerpt({ text }: { text: string }) {
  return (
    <div style={{ minHeight: 48, maxHeight: HEIGHT, overflow: 'auto', overflowWrap: 'anywhere', whiteSpace: 'pre-wrap' }} tabIndex={0}>
      {text}
    </div>
  );
}

function TextFile({ datasetId, path }: Omit<Props, 'text'>) {
  const { data, error, isPending } = useQuery({
    queryKey: ['sample-text', datasetId, path],
    queryFn: async () => {
      const response = await fetch(contentUrl(datasetId, path));
      if (!response.ok) throw await ApiError.of(response);
      return (await response.text()).slice(0, 2000);
    },
    staleTime: Infinity,
    retry: false,
  });
  if (isPending) return <Skeleton.Node active style={{ width: '100%', height: HEIGHT }} />;
  return error ? <NoPreview /> : <Excerpt text={data} />;
}

function Picture({ datasetId, path }: Omit<Props, 'text'>) {
  const { t } = useTranslation();
  const { token } = theme.useToken();
  const [broken, setBroken] = useState(false);
  const [tiny, setTiny] = useState(false);
  if (broken) return <NoPreview />;
  return (
    <img
      src={contentUrl(datasetId, path)}
      alt={t('tasks.report.sample', { path })}
      loading="lazy"
      onLoad={({ currentTarget }) => setTiny(currentTarget.naturalHeight < HEIGHT / 2)}
      onError={() => setBroken(true)}
      style={{
        display: 'block',
        width: '100%',
        height: HEIGHT,
        objectFit: 'contain',
        background: token.colorFillTertiary,
        borderRadius: token.borderRadius,
        imageRendering: tiny ? 'pixelated' : 'auto',
      }}
    />
  );
}

function NoPreview() {
  const { t } = useTranslation();
  const { token } = theme.useToken();
  return (
    <div
      style={{
        display: 'grid',
        placeItems: 'center',
        height: HEIGHT,
        color: token.colorTextSecondary,
        background: token.colorFillTertiary,
        borderRadius: token.borderRadius,
      }}
    >
      {t('tasks.report.noPreview')}
    </div>
  );
}
