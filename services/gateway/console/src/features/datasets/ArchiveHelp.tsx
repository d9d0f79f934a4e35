import { theme, Typography } from 'antd';
import { useTranslation } from 'react-i18next';

interface Props {
  kind: 'image' | 'text';
  independent: boolean;
}

/** How an archive of the format `dir` must look. */
export function ArchiveHelp({ kind, independent }: Props) {
  const { t } = useTranslation();
  const { token } = theme.useToken();
  const [first, second] =
    kind === 'image'
      ? [t('datasets.archive.class1'), t('datasets.archive.class2')]
      : [t('datasets.archive.textClass1'), t('datasets.archive.textClass2')];
  const end = kind === 'image' ? 'jpg' : 'txt';
  const tree = [
    'data.zip',
    `├─ ${first}/`,
    `│  ├─ 001.${end}`,
    `│  └─ 002.${end}`,
    `└─ ${second}/`,
    `   ├─ 001.${end}`,
    `   └─ 002.${end}`,
  ];
  return (
    <section style={{ flex: '2 1 280px', minWidth: 0 }}>
      <Typography.Title level={2} style={{ fontSize: 14, marginBlockStart: 0 }}>
        {t('datasets.archive.title')}
      </Typography.Title>
      <Typography.Paragraph>{t('datasets.archive.text')}</Typography.Paragraph>
      <pre
        aria-label={t('datasets.archive.example')}
        style={{
          margin: '0 0 12px',
          padding: 12,
          background: token.colorFillTertiary,
          borderRadius: token.borderRadius,
          fontFamily: token.fontFamilyCode,
          fontSize: 13,
          lineHeight: 1.5,
          overflow: 'auto',
        }}
      >
        {tree.join('\n')}
      </pre>
      <Typography.Paragraph type="secondary" style={{ marginBlockEnd: 4 }}>
        {t(kind === 'image' ? 'datasets.archive.imageKinds' : 'datasets.archive.textKinds')}
      </Typography.Paragraph>
      <Typography.Paragraph type="secondary" style={{ marginBlockEnd: 0 }}>
        {t(independent ? 'datasets.archive.independentRule' : 'datasets.archive.ratioRule')}
      </Typography.Paragraph>
    </section>
  );
}
