import { LeftOutlined, RightOutlined, ZoomInOutlined, ZoomOutOutlined } from '@ant-design/icons';
import { Button, Flex, Modal, theme, Typography } from 'antd';
import { useEffect, useLayoutEffect, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';

import type { Sample } from '@/api/types';
import { bytes, count } from '@/components/format';

import { contentUrl } from './api';
import { SampleImage } from './SampleImage';

const ZOOMS = [1, 1.5, 2, 3, 4, 6, 8];

interface Props {
  datasetId: string;
  samples: Sample[];
  total: number;
  /** Place of the shown sample in `samples`. */
  at: number;
  onMove: (at: number) => void;
  onClose: () => void;
}

/** One image, large, with the way to its neighbours. */
export function ImageViewer({ datasetId, samples, total, at, onMove, onClose }: Props) {
  const { t } = useTranslation();
  const { token } = theme.useToken();
  const frame = useRef<HTMLDivElement>(null);
  const [level, setLevel] = useState(0);
  const sample = samples[at];
  const move = (step: number) => {
    if (samples[at + step]) {
      setLevel(0);
      onMove(at + step);
    }
  };
  const zoom = (step: number) => setLevel((now) => Math.min(Math.max(now + step, 0), ZOOMS.length - 1));

  // What is in the middle stays there.
  useLayoutEffect(() => {
    const box = frame.current;
    box?.scrollTo((box.scrollWidth - box.clientWidth) / 2, (box.scrollHeight - box.clientHeight) / 2);
  }, [level]);

  useEffect(() => {
    const press = ({ key }: KeyboardEvent) => {
      if (key === 'ArrowLeft') move(-1);
      else if (key === 'ArrowRight') move(1);
      else if (key === '+' || key === '=') zoom(1);
      else if (key === '-') zoom(-1);
    };
    window.addEventListener('keydown', press);
    return () => window.removeEventListener('keydown', press);
  });

  if (!sample) return null;
  return (
    <Modal
      open
      centered
      title={t('datasets.browse.viewer')}
      onCancel={onClose}
      width="min(960px, 94vw)"
      footer={
        <Flex gap={8} justify="space-between" align="center" wrap>
          <Typography.Text type="secondary" style={{ fontSize: 12 }}>
            {t('datasets.browse.keys')}
          </Typography.Text>
          <Flex gap={8} align="center">
            <Button
              icon={<ZoomOutOutlined />}
              aria-label={t('datasets.browse.zoomOut')}
              disabled={level === 0}
              onClick={() => zoom(-1)}
            />
            <Button
              icon={<ZoomInOutlined />}
              aria-label={t('datasets.browse.zoomIn')}
              disabled={level === ZOOMS.length - 1}
              onClick={() => zoom(1)}
            />
            <Button
              icon={<LeftOutlined />}
              aria-label={t('datasets.browse.previous')}
              disabled={at === 0}
              onClick={() => move(-1)}
            />
            <span className="numbers" role="status">
              {t('datasets.browse.position', { at: count(at + 1), total: count(total) })}
            </span>
            <Button
              icon={<RightOutlined />}
              aria-label={t('datasets.browse.next')}
              disabled={at >= samples.length - 1}
              onClick={() => move(1)}
            />
          </Flex>
        </Flex>
      }
    >
      <div
        ref={frame}
        style={{
          height: 'min(62vh, 640px)',
          overflow: 'auto',
          background: token.colorFillQuaternary,
          borderRadius: token.borderRadius,
        }}
      >
        <SampleImage
          url={contentUrl(datasetId, sample.path)}
          size={Number(sample.size)}
          zoom={ZOOMS[level]}
          alt={sample.path}
        />
      </div>
      <SampleFacts sample={sample} />
    </Modal>
  );
}

/** What is known of a sample besides its content. */
export function SampleFacts({ sample }: { sample: Sample }) {
  const { t } = useTranslation();
  const split = sample.split === 'test' ? 'test' : 'train';
  return (
    <Flex gap={16} wrap style={{ marginBlockStart: 8 }}>
      <Typography.Text strong style={{ overflowWrap: 'anywhere' }}>
        {sample.class_name}
      </Typography.Text>
      <span>{t(`datasets.browse.splits.${split}`)}</span>
      <span className="numbers">{bytes(sample.size)}</span>
      <Typography.Text type="secondary" style={{ overflowWrap: 'anywhere' }}>
        {sample.path}
      </Typography.Text>
    </Flex>
  );
}
