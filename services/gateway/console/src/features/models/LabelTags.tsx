import { Button, Flex, Tag } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';

const FIRST = 30;

export function LabelTags({ labels }: { labels: string[] }) {
  const { t } = useTranslation();
  const [all, setAll] = useState(false);
  if (!labels.length) return t('common.none');
  return (
    <Flex gap={6} wrap align="center">
      {(all ? labels : labels.slice(0, FIRST)).map((label) => (
        <Tag key={label} style={{ margin: 0, maxWidth: '100%', whiteSpace: 'normal', overflowWrap: 'anywhere' }}>
          {label}
        </Tag>
      ))}
      {labels.length > FIRST && (
        <Button type="link" size="small" onClick={() => setAll(!all)}>
          {all ? t('models.fewerLabels') : t('models.allLabels', { count: labels.length })}
        </Button>
      )}
    </Flex>
  );
}
