import { useVirtualizer } from '@tanstack/react-virtual';
import { Alert, Flex, Spin, theme, Typography } from 'antd';
import { type KeyboardEvent, useEffect, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';

import type { Sample } from '@/api/types';
import { ErrorAlert } from '@/components/errors';

import { useText } from './content';
import { SampleFacts } from './ImageViewer';
import type { SampleSource } from './SamplesCard';

const ROW = 62;
const HEIGHT = 520;

/** Texts as a list with their beginnings; the chosen one is shown beside it. */
export function TextReader({ datasetId, samples, total, readMore }: SampleSource) {
  const { t } = useTranslation();
  const { token } = theme.useToken();
  const frame = useRef<HTMLDivElement>(null);
  const [at, setAt] = useState(0);
  const rows = useVirtualizer({
    count: samples.length,
    getScrollElement: () => frame.current,
    estimateSize: () => ROW,
    overscan: 8,
  });
  const visible = rows.getVirtualItems();
  const last = visible.at(-1)?.index ?? 0;
  useEffect(() => {
    if (last >= samples.length - 20) readMore();
  }, [last, samples.length, readMore]);

  const press = (event: KeyboardEvent) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step || !samples[at + step]) return;
    event.preventDefault();
    setAt(at + step);
    rows.scrollToIndex(at + step);
  };
  const chosen = samples[at];
  return (
    <Flex gap={16} wrap align="flex-start">
      <div
        ref={frame}
        role="listbox"
        aria-label={t('datasets.browse.title')}
        aria-activedescendant={`sample-${at}`}
        tabIndex={0}
        onKeyDown={press}
        style={{
          flex: '1 1 300px',
          minWidth: 0,
          height: HEIGHT,
          overflow: 'auto',
          border: `1px solid ${token.colorBorderSecondary}`,
          borderRadius: token.borderRadius,
        }}
      >
        <div role="presentation" style={{ height: rows.getTotalSize(), position: 'relative' }}>
          {visible.map(({ index, start }) => {
            const sample = samples[index];
            return (
              sample && (
                <div
                  key={index}
                  id={`sample-${index}`}
                  role="option"
                  aria-selected={index === at}
                  aria-setsize={total}
                  aria-posinset={index + 1}
                  onClick={() => setAt(index)}
                  style={{
                    position: 'absolute',
                    insetInline: 0,
                    top: 0,
                    height: ROW,
                    transform: `translateY(${start}px)`,
                    boxSizing: 'border-box',
                    padding: '8px 12px',
                    cursor: 'pointer',
                    borderInlineStart: `3px solid ${index === at ? token.colorPrimary : 'transparent'}`,
                    borderBlockEnd: `1px solid ${token.colorSplit}`,
                    ...(index === at && { background: token.controlItemBgActive }),
                  }}
                >
                  <Line strong={index === at}>{sample.excerpt || sample.path}</Line>
                  <Line small>{sample.class_name}</Line>
                </div>
              )
            );
          })}
        </div>
      </div>
      <div
        style={{
          flex: '2 1 380px',
          minWidth: 0,
          minHeight: 160,
          maxHeight: HEIGHT,
          display: 'flex',
          flexDirection: 'column',
        }}
      >
        {chosen ? <Text key={chosen.path} datasetId={datasetId} sample={chosen} /> : t('datasets.browse.pick')}
      </div>
    </Flex>
  );
}

function Line({ children, strong, small }: { children: string; strong?: boolean; small?: boolean }) {
  return (
    <Typography.Text
      ellipsis
      strong={strong ?? false}
      {...(small && { type: 'secondary' as const })}
      style={{ display: 'block', fontSize: small ? 12 : 14 }}
    >
      {children}
    </Typography.Text>
  );
}

function Text({ datasetId, sample }: { datasetId: string; sample: Sample }) {
  const { t } = useTranslation();
  const { token } = theme.useToken();
  const query = useText(datasetId, sample.path);
  return (
    <>
      <div style={{ marginBlockEnd: 8 }}>
        <SampleFacts sample={sample} />
      </div>
      {query.data?.cut && <Alert type="info" showIcon title={t('datasets.browse.cut')} style={{ marginBlockEnd: 8 }} />}
      <ErrorAlert error={query.error} onRetry={() => void query.refetch()} />
      {query.isPending && <Spin aria-label={t('common.loading')} />}
      {query.data && (
        <div
          tabIndex={0}
          role="region"
          aria-label={sample.path}
          style={{
            flex: 1,
            minHeight: 0,
            overflow: 'auto',
            padding: 16,
            background: token.colorFillQuaternary,
            borderRadius: token.borderRadius,
            whiteSpace: 'pre-wrap',
            overflowWrap: 'anywhere',
            fontSize: 15,
            lineHeight: 1.8,
          }}
        >
          {query.data.text}
        </div>
      )}
    </>
  );
}
