import {
  CheckCircleOutlined,
  ClockCircleOutlined,
  CloseCircleOutlined,
  MinusCircleOutlined,
  StarOutlined,
  SyncOutlined,
} from '@ant-design/icons';
import { Tag, theme } from 'antd';
import type { ReactNode } from 'react';

import { palette, useLook } from '@/app/theme';

export type Mood = 'good' | 'bad' | 'busy' | 'waiting' | 'quiet' | 'special';

const LOOKS: Record<Mood, { colour: keyof (typeof palette)['light']; icon: ReactNode }> = {
  good: { colour: 'good', icon: <CheckCircleOutlined /> },
  bad: { colour: 'bad', icon: <CloseCircleOutlined /> },
  busy: { colour: 'busy', icon: <SyncOutlined spin /> },
  waiting: { colour: 'waits', icon: <ClockCircleOutlined /> },
  quiet: { colour: 'quiet', icon: <MinusCircleOutlined /> },
  special: { colour: 'special', icon: <StarOutlined /> },
};

/** A state as colour, icon and word, so that none of them is needed to tell it. */
export function StateTag({ mood, children }: { mood: Mood; children: ReactNode }) {
  const { token } = theme.useToken();
  const { appearance } = useLook();
  const { icon, colour } = LOOKS[mood];
  const shown = palette[appearance][colour];
  return (
    <Tag
      icon={icon}
      style={{ marginInlineEnd: 0, color: shown, borderColor: shown, background: token.colorBgContainer }}
    >
      {children}
    </Tag>
  );
}
