import { FileImageOutlined } from '@ant-design/icons';
import { Flex, Typography } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';

/** Files as small as this are icons or digits: their pixels are shown as they are when enlarged. */
const TINY_BYTES = 4096;

interface Props {
  url: string;
  size: number;
  /** 1 fits the frame. */
  zoom?: number;
  alt?: string;
}

/** An image that fills its frame; in its place a sign when the browser cannot show it (TIFF, for example). */
export function SampleImage({ url, size, zoom = 1, alt = '' }: Props) {
  const { t } = useTranslation();
  const [failed, setFailed] = useState('');
  if (failed === url) {
    return (
      <Flex vertical align="center" justify="center" gap={4} style={{ width: '100%', height: '100%' }}>
        <FileImageOutlined aria-hidden style={{ fontSize: 24 }} />
        <Typography.Text type="secondary" style={{ fontSize: 12 }}>
          {t('datasets.browse.missing')}
        </Typography.Text>
      </Flex>
    );
  }
  return (
    <img
      loading="lazy"
      decoding="async"
      src={url}
      alt={alt}
      onError={() => setFailed(url)}
      style={{
        display: 'block',
        width: `${zoom * 100}%`,
        height: `${zoom * 100}%`,
        objectFit: 'contain',
        imageRendering: size <= TINY_BYTES ? 'pixelated' : 'auto',
      }}
    />
  );
}
