import { ExperimentOutlined, FileZipOutlined, FolderOpenOutlined, InboxOutlined } from '@ant-design/icons';
import { Alert, Button, Col, Flex, Row, Spin, theme, Typography } from 'antd';
import { useMemo, useState } from 'react';
import { useTranslation } from 'react-i18next';

import { bytes } from '@/components/format';

import { DropZone } from './DropZone';
import { example } from './example';
import { FileButton } from './FileButton';
import { findings, type Kind, sortFiles } from './files';
import { Findings } from './Findings';
import { Preview } from './Preview';
import { type Handed, readChosen, readDropped } from './read';
import type { Picked } from './run';
import { Tree } from './Tree';

interface Props {
  kind: Kind;
  onStart: (picked: Picked) => void;
}

/** Second step: the samples, looked at here before anything is sent. */
export function PickData({ kind, onStart }: Props) {
  const { t } = useTranslation();
  const { token } = theme.useToken();
  const [handed, setHanded] = useState<Handed | null>(null);
  const [reading, setReading] = useState(false);
  const [unreadable, setUnreadable] = useState(false);

  const read = async (coming: Promise<Handed>) => {
    setReading(true);
    setUnreadable(false);
    try {
      setHanded(await coming);
    } catch {
      setHanded(null);
      setUnreadable(true);
    } finally {
      setReading(false);
    }
  };

  const sorted = useMemo(() => (handed && 'files' in handed ? sortFiles(handed.files, kind) : null), [handed, kind]);
  const found = sorted ? findings(sorted) : [];
  const ready = handed !== null && !found.some(({ blocking }) => blocking);
  const start = () => {
    if (handed) onStart(sorted ? { classes: sorted.classes } : (handed as { archive: File }));
  };

  return (
    <>
      <Row gutter={[24, 16]}>
        <Col xs={24} lg={14}>
          <DropZone label={t('guide.drop')} onDrop={(data) => void read(readDropped(data))}>
            <InboxOutlined style={{ fontSize: 40, color: token.colorPrimary }} />
            <Typography.Paragraph style={{ fontSize: 16, marginBlock: '4px 12px' }}>
              {handed ? t('guide.dropAgain') : t('guide.drop')}
            </Typography.Paragraph>
            <Flex gap={8} justify="center" wrap>
              <FileButton
                type={handed ? 'default' : 'primary'}
                icon={<FolderOpenOutlined />}
                folder
                onFiles={(files) => void read(readChosen(files))}
              >
                {t('guide.chooseFolder')}
              </FileButton>
              <FileButton
                icon={<FileZipOutlined />}
                accept=".zip,.tar,.gz,.tgz"
                onFiles={(files) => void read(readChosen(files))}
              >
                {t('guide.chooseArchive')}
              </FileButton>
              <Button
                icon={<ExperimentOutlined />}
                onClick={() => void read(example(kind).then((files) => ({ files })))}
              >
                {t('guide.useExample')}
              </Button>
            </Flex>
          </DropZone>
        </Col>
        <Col xs={24} lg={10}>
          <Tree kind={kind} />
        </Col>
      </Row>
      <div style={{ marginBlockStart: 16 }}>
        {reading && (
          <Flex gap={8} role="status">
            <Spin size="small" />
            {t('guide.reading')}
          </Flex>
        )}
        {unreadable && <Alert type="error" showIcon role="alert" title={t('guide.unreadable')} />}
        {!reading && <Findings findings={found} kind={kind} />}
        {!reading && sorted && sorted.classes.length > 0 && <Preview classes={sorted.classes} kind={kind} />}
        {!reading && handed && 'archive' in handed && (
          <Alert type="info" showIcon title={t('guide.unchecked', { size: bytes(handed.archive.size) })} />
        )}
      </div>
      {ready && !reading && (
        <Button type="primary" size="large" style={{ marginBlockStart: 20 }} onClick={start}>
          {t('guide.start')}
        </Button>
      )}
    </>
  );
}
