import { DeleteOutlined, FileZipOutlined, InboxOutlined } from '@ant-design/icons';
import { App, Button, Flex, Typography, Upload } from 'antd';
import { useId } from 'react';
import { useTranslation } from 'react-i18next';

import { bytes } from '@/components/format';

const KINDS = /\.(zip|tar|tar\.gz|tgz)$/i;

interface Props {
  label: string;
  file: File | undefined;
  onChoose: (file: File | undefined) => void;
}

/** A place to drop one archive, or to choose it. Nothing is sent yet. */
export function ArchiveChooser({ label, file, onChoose }: Props) {
  const { t } = useTranslation();
  const { message } = App.useApp();
  const id = useId();
  const take = (given: File) => {
    if (!KINDS.test(given.name)) void message.error(t('datasets.upload.wrongKind', { name: given.name }));
    else if (!given.size) void message.error(t('datasets.upload.emptyFile', { name: given.name }));
    else onChoose(given);
    return false;
  };
  return (
    <div role="group" aria-labelledby={id} style={{ display: 'grid' }}>
      <Typography.Text strong id={id} style={{ display: 'block', marginBlockEnd: 8 }}>
        {label}
      </Typography.Text>
      {file ? (
        <Flex gap={8} align="center">
          <FileZipOutlined aria-hidden />
          <span style={{ minWidth: 0, overflowWrap: 'anywhere' }}>{file.name}</span>
          <Typography.Text type="secondary" className="numbers" style={{ whiteSpace: 'nowrap' }}>
            {bytes(file.size)}
          </Typography.Text>
          <Button
            type="text"
            size="small"
            icon={<DeleteOutlined />}
            aria-label={t('datasets.upload.remove', { name: file.name })}
            onClick={() => onChoose(undefined)}
          />
        </Flex>
      ) : (
        <Upload.Dragger
          accept=".zip,.tar,.gz,.tgz"
          height={132}
          multiple={false}
          showUploadList={false}
          beforeUpload={take}
        >
          <Flex vertical align="center" gap={4}>
            <InboxOutlined aria-hidden style={{ fontSize: 32 }} />
            {t('datasets.upload.drop')}
            <Typography.Text type="secondary">{t('datasets.upload.dropHint')}</Typography.Text>
          </Flex>
        </Upload.Dragger>
      )}
    </div>
  );
}
