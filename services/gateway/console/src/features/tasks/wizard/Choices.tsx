import { Flex, Radio, theme } from 'antd';
import type { ReactNode } from 'react';

interface Choice {
  value: string;
  title: string;
  children?: ReactNode;
}

interface Props {
  label: string;
  value: string;
  onChange: (value: string) => void;
  choices: Choice[];
}

/** One of a few, as cards; the arrow keys go from one to the next. */
export function Choices({ label, value, onChange, choices }: Props) {
  const { token } = theme.useToken();
  return (
    <Radio.Group
      aria-label={label}
      value={value}
      onChange={(event) => onChange(event.target.value as string)}
      style={{ display: 'grid', gap: 12, gridTemplateColumns: 'repeat(auto-fill, minmax(min(280px, 100%), 1fr))' }}
    >
      {choices.map((choice) => (
        <Radio
          key={choice.value}
          value={choice.value}
          style={{
            alignItems: 'flex-start',
            margin: 0,
            padding: 16,
            border: `1px solid ${choice.value === value ? token.colorPrimary : token.colorBorder}`,
            borderRadius: token.borderRadiusLG,
            background: choice.value === value ? token.colorPrimaryBg : token.colorBgContainer,
          }}
        >
          <Flex vertical gap={6} style={{ minWidth: 0 }}>
            <strong style={{ overflowWrap: 'anywhere' }}>{choice.title}</strong>
            {choice.children}
          </Flex>
        </Radio>
      ))}
    </Radio.Group>
  );
}
