import { InboxOutlined } from '@ant-design/icons';
import { App, Typography, Upload } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';

import { bytes } from '@/components/format';

import { IMAGE_MAX_BYTES } from './api';
import { type ChosenImage, readImage } from './images';

/** Images smaller than this are shown with their pixels. */
const SMALL = 100;
const SHOWN_HEIGHT = 200;

interface Props {
  id?: string;
  value?: ChosenImage;
  onChange?: (image: ChosenImage) => void;
}

/** An image that is chosen or dropped, with a preview; a form's field. */
export function ImageInput({ id, value, onChange }: Props) {
  const { t } = useTranslation();
  const { message } = App.useApp();
  const take = async (file: File) => {
    if (file.size > IMAGE_MAX_BYTES) {
      const values = { size: bytes(file.size), max: bytes(IMAGE_MAX_BYTES) };
      void message.error(t('services.test.imageTooLarge', values));
      return;
    }
    onChange?.(await readImage(file));
  };
  return (
    <Upload.Dragger
      id={id}
      accept="image/*"
      showUploadList={false}
      beforeUpload={(file) => {
        void take(file);
        return false;
      }}
    >
      {value ? <Preview key={value.url} image={value} /> : <InboxOutlined style={{ fontSize: 36 }} />}
      <div style={{ marginBlockStart: 8 }}>{t('services.test.chooseImage')}</div>
      <Typography.Text type="secondary" style={{ fontSize: 12 }}>
        {t('services.test.imageHint', { size: bytes(IMAGE_MAX_BYTES) })}
      </Typography.Text>
    </Upload.Dragger>
  );
}

function Preview({ image }: { image: ChosenImage }) {
  const { t } = useTranslation();
  const [height, setHeight] = useState(SHOWN_HEIGHT);
  const [broken, setBroken] = useState(false);
  return (
    <>
      {broken ? (
        <Typography.Text type="secondary">{t('services.test.noPreview')}</Typography.Text>
      ) : (
        <img
          src={image.url}
          alt={t('services.test.chosenImage', { name: image.name })}
          onLoad={(event) => setHeight(event.currentTarget.naturalHeight)}
          onError={() => setBroken(true)}
          style={{
            height: height < SMALL ? SHOWN_HEIGHT / 2 : Math.min(height, SHOWN_HEIGHT),
            maxWidth: '100%',
            objectFit: 'contain',
            imageRendering: height < SMALL ? 'pixelated' : 'auto',
          }}
        />
      )}
      <div style={{ overflowWrap: 'anywhere' }}>{image.name}</div>
    </>
  );
}
