import { Flex, theme, Typography } from 'antd';
import { useTranslation } from 'react-i18next';

interface Props {
  label: string;
  code: string;
}

/** Code that can be copied. */
export function CodeBlock({ label, code }: Props) {
  const { t } = useTranslation();
  const { token } = theme.useToken();
  return (
    <Flex
      align="flex-start"
      style={{
        background: token.colorFillQuaternary,
        border: `1px solid ${token.colorBorderSecondary}`,
        borderRadius: token.borderRadius,
        marginBlockEnd: 12,
      }}
    >
      <pre
        role="region"
        aria-label={label}
        tabIndex={0}
        translate="no"
        style={{
          flex: 1,
          minWidth: 0,
          margin: 0,
          padding: 12,
          overflow: 'auto',
          font: `13px/1.6 ${token.fontFamilyCode}`,
        }}
      >
        {code}
      </pre>
      <Typography.Text
        copyable={{ text: code, tooltips: [t('common.copy'), t('common.copied')] }}
        style={{ padding: 10 }}
      />
    </Flex>
  );
}
