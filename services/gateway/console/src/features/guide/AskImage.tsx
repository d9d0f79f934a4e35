import { PictureOutlined } from '@ant-design/icons';
import { useMutation } from '@tanstack/react-query';
import { Alert, Flex, Spin, theme, Typography } from 'antd';
import { useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';

import type { Service } from '@/api/types';
import { ErrorAlert } from '@/components/errors';

import { Answer } from './Answer';
import { predict } from './api';
import { DropZone } from './DropZone';
import { FileButton } from './FileButton';
import { SUFFIXES } from './files';

/** The bytes of a file as base64. */
export async function base64(file: Blob): Promise<string> {
  const url = await new Promise<string>((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(String(reader.result));
    reader.onerror = () => reject(reader.error ?? new Error('read'));
    reader.readAsDataURL(file);
  });
  return url.slice(url.indexOf(',') + 1);
}

/** A picture is dropped, and the answer appears. */
export function AskImage({ service }: { service: Service }) {
  const { t } = useTranslation();
  const { token } = theme.useToken();
  const [file, setFile] = useState<File | null>(null);
  const [url, setUrl] = useState('');
  const [wrong, setWrong] = useState(false);
  const ask = useMutation({ mutationFn: async (image: File) => predict(service, await base64(image)) });

  useEffect(() => {
    if (!file) return;
    const made = URL.createObjectURL(file);
    setUrl(made);
    return () => URL.revokeObjectURL(made);
  }, [file]);

  const take = (given: File | undefined) => {
    if (!given) return;
    const image = SUFFIXES.image.some((suffix) => given.name.toLowerCase().endsWith(suffix));
    setWrong(!image);
    if (!image) return;
    setFile(given);
    ask.mutate(given);
  };

  return (
    <>
      <DropZone label={t('guide.dropImage')} onDrop={(data) => take(data.files[0])}>
        <Flex gap={12} align="center" justify="center" wrap>
          <Typography.Text>{t('guide.dropImage')}</Typography.Text>
          <FileButton icon={<PictureOutlined />} accept={SUFFIXES.image.join(',')} onFiles={(files) => take(files[0])}>
            {t('guide.chooseImage')}
          </FileButton>
        </Flex>
      </DropZone>
      <div style={{ marginBlockStart: 12 }}>
        {wrong && <Alert type="warning" showIcon role="alert" title={t('guide.notImage')} />}
        <ErrorAlert error={ask.error} onRetry={() => file && ask.mutate(file)} />
      </div>
      <Flex gap={24} wrap align="flex-start">
        {url && (
          <img
            src={url}
            alt={t('guide.yourImage')}
            style={{
              width: 160,
              height: 160,
              marginBlockStart: 16,
              objectFit: 'contain',
              background: token.colorFillQuaternary,
              borderRadius: token.borderRadius,
            }}
          />
        )}
        <div style={{ flex: '1 1 240px', minWidth: 0 }}>
          {ask.isPending && <Spin description={t('guide.asking')} style={{ marginBlockStart: 24 }} />}
          {ask.data && !ask.isPending && <Answer prediction={ask.data} />}
        </div>
      </Flex>
    </>
  );
}
