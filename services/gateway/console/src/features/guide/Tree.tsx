import { FolderOpenOutlined, FolderOutlined } from '@ant-design/icons';
import { theme, Typography } from 'antd';
import { useTranslation } from 'react-i18next';

import type { Kind } from './files';

/** How the folder has to look. */
export function Tree({ kind }: { kind: Kind }) {
  const { t } = useTranslation();
  const { token } = theme.useToken();
  const folder = { color: token.colorWarning, marginInlineEnd: 6 };
  return (
    <div>
      <Typography.Text>{t('guide.howFolder')}</Typography.Text>
      <div
        style={{
          margin: '8px 0',
          padding: '10px 16px',
          lineHeight: 2,
          background: token.colorFillQuaternary,
          borderRadius: token.borderRadius,
        }}
      >
        <FolderOpenOutlined style={folder} />
        {t(`guide.treeTop.${kind}`)}
        {(['treeA', 'treeB'] as const).map((one) => (
          <div key={one} style={{ paddingInlineStart: 24 }}>
            <FolderOutlined style={folder} />
            <strong>{t(`guide.${one}.${kind}`)}</strong>
            <Typography.Text type="secondary" style={{ marginInlineStart: 12 }}>
              {t(`guide.treeFiles.${kind}`)}
            </Typography.Text>
          </div>
        ))}
      </div>
      <Typography.Text type="secondary">{t(`guide.howMany.${kind}`)}</Typography.Text>
    </div>
  );
}
