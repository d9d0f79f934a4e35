import { CheckCircleFilled, FileTextOutlined, PictureOutlined } from '@ant-design/icons';
import { Button, Col, Form, Input, Row, theme, Typography } from 'antd';
import { type ReactNode, useState } from 'react';
import { useTranslation } from 'react-i18next';

import type { Kind } from './files';
import { shortTitle } from './names';

const ICONS: Record<Kind, ReactNode> = { image: <PictureOutlined />, text: <FileTextOutlined /> };
const LONGEST = 50;

interface Props {
  onDone: (kind: Kind, name: string) => void;
}

/** First step: pictures or texts, and a name. */
export function What({ onDone }: Props) {
  const { t } = useTranslation();
  const [kind, setKind] = useState<Kind>('image');
  const [given, setName] = useState<string>();
  const name = given ?? t(`guide.nameDefault.${kind}`);
  return (
    <Form layout="vertical" onFinish={() => onDone(kind, shortTitle(name) || t(`guide.nameDefault.${kind}`))}>
      <Typography.Title level={2} style={{ fontSize: 18, marginBlock: '0 12px' }}>
        {t('guide.what')}
      </Typography.Title>
      <Row gutter={[16, 16]} role="radiogroup" aria-label={t('guide.what')} style={{ marginBlockEnd: 24 }}>
        {(['image', 'text'] as const).map((one) => (
          <Col key={one} xs={24} md={12}>
            <KindCard kind={one} chosen={one === kind} onChoose={() => setKind(one)} />
          </Col>
        ))}
      </Row>
      <Form.Item label={t('guide.name')} extra={t('guide.nameHint')} htmlFor="guide-name">
        <Input
          id="guide-name"
          size="large"
          value={name}
          maxLength={LONGEST}
          placeholder={t(`guide.namePlaceholder.${kind}`)}
          onChange={(change) => setName(change.target.value)}
          style={{ maxWidth: 420 }}
        />
      </Form.Item>
      <Button type="primary" size="large" htmlType="submit">
        {t('common.next')}
      </Button>
    </Form>
  );
}

function KindCard({ kind, chosen, onChoose }: { kind: Kind; chosen: boolean; onChoose: () => void }) {
  const { t } = useTranslation();
  const { token } = theme.useToken();
  return (
    <button
      type="button"
      role="radio"
      aria-checked={chosen}
      onClick={onChoose}
      style={{
        display: 'flex',
        gap: 16,
        alignItems: 'center',
        width: '100%',
        height: '100%',
        padding: 20,
        textAlign: 'start',
        font: 'inherit',
        cursor: 'pointer',
        color: token.colorText,
        background: chosen ? token.colorPrimaryBg : token.colorBgContainer,
        border: `2px solid ${chosen ? token.colorPrimary : token.colorBorder}`,
        borderRadius: token.borderRadiusLG,
      }}
    >
      <span style={{ fontSize: 44, lineHeight: 1, color: token.colorPrimary }}>{ICONS[kind]}</span>
      <span style={{ flex: 1 }}>
        <strong style={{ fontSize: 18 }}>{t(`guide.${kind}`)}</strong>
        <span style={{ display: 'block', marginBlockStart: 4, color: token.colorTextSecondary }}>
          {t(`guide.${kind}Example`)}
        </span>
      </span>
      <CheckCircleFilled style={{ fontSize: 20, color: token.colorPrimary, visibility: chosen ? 'visible' : 'hidden' }} />
    </button>
  );
}
