import { useVirtualizer } from '@tanstack/react-virtual';
import { lazily } from '@/components/lazily';
import { theme } from 'antd';
import { useEffect, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';

import { contentUrl } from './api';
import type { SampleSource } from './SamplesCard';
import { SampleImage } from './SampleImage';
import { useWidth } from './useWidth';

const ImageViewer = lazily(async () => (await import('./ImageViewer')).ImageViewer);

const TILE = 116;
const GAP = 8;
const CAPTION = 22;
const HIGHEST = 560;

/** Images in rows of as many as fit; rows out of sight are not there. */
export function ImageGrid({ datasetId, samples, total, readMore }: SampleSource) {
  const { t } = useTranslation();
  const { token } = theme.useToken();
  const frame = useRef<HTMLDivElement>(null);
  const [opened, setOpened] = useState<number | null>(null);
  const width = useWidth(frame);
  const columns = Math.max(Math.floor((width + GAP) / (TILE + GAP)), 2);
  const count = Math.ceil(samples.length / columns);
  const height = TILE + CAPTION + GAP;
  const rows = useVirtualizer({
    count,
    getScrollElement: () => frame.current,
    estimateSize: () => height,
    overscan: 3,
  });
  const visible = rows.getVirtualItems();
  const last = visible.at(-1)?.index ?? 0;
  useEffect(() => {
    if (last >= count - 4) readMore();
  }, [last, count, readMore]);

  return (
    <>
      <div ref={frame} style={{ maxHeight: HIGHEST, overflow: 'auto' }}>
        <div
          role="list"
          aria-label={t('datasets.browse.title')}
          style={{ height: rows.getTotalSize(), position: 'relative' }}
        >
          {visible.map(({ index, start }) => (
            <div
              key={index}
              role="presentation"
              style={{
                position: 'absolute',
                insetInline: 0,
                top: 0,
                transform: `translateY(${start}px)`,
                display: 'grid',
                gridTemplateColumns: `repeat(${columns}, minmax(0, 1fr))`,
                gap: GAP,
              }}
            >
              {samples.slice(index * columns, (index + 1) * columns).map((sample, at) => (
                <div key={sample.path} role="listitem" aria-setsize={total} aria-posinset={index * columns + at + 1}>
                  <button
                    type="button"
                    aria-label={t('datasets.browse.open', { path: sample.path })}
                    title={sample.path}
                    onClick={() => setOpened(index * columns + at)}
                    style={{
                      display: 'block',
                      width: '100%',
                      height: TILE,
                      padding: 0,
                      border: `1px solid ${token.colorBorderSecondary}`,
                      borderRadius: token.borderRadius,
                      background: token.colorFillQuaternary,
                      cursor: 'zoom-in',
                      overflow: 'hidden',
                    }}
                  >
                    <SampleImage url={contentUrl(datasetId, sample.path)} size={Number(sample.size)} />
                  </button>
                  <div
                    style={{
                      height: CAPTION,
                      lineHeight: `${CAPTION}px`,
                      fontSize: 12,
                      overflow: 'hidden',
                      textOverflow: 'ellipsis',
                      whiteSpace: 'nowrap',
                      textAlign: 'center',
                    }}
                  >
                    {sample.class_name}
                  </div>
                </div>
              ))}
            </div>
          ))}
        </div>
      </div>
      {opened !== null && (
        <ImageViewer
          datasetId={datasetId}
          samples={samples}
          total={total}
          at={opened}
          onMove={(at) => {
            setOpened(at);
            if (at >= samples.length - 10) readMore();
          }}
          onClose={() => setOpened(null)}
        />
      )}
    </>
  );
}
