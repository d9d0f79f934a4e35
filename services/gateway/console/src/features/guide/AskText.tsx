import { useMutation } from '@tanstack/react-query';
import { Button, Form, Input } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';

import type { Service } from '@/api/types';
import { ErrorAlert } from '@/components/errors';

import { Answer } from './Answer';
import { predict } from './api';

/** A text is entered, and the answer appears. */
export function AskText({ service }: { service: Service }) {
  const { t } = useTranslation();
  const [text, setText] = useState('');
  const ask = useMutation({ mutationFn: (given: string) => predict(service, given) });
  return (
    <Form layout="vertical" onFinish={() => text.trim() && ask.mutate(text)}>
      <Form.Item label={t('guide.enterText')} htmlFor="guide-text" style={{ marginBlockEnd: 12 }}>
        <Input.TextArea
          id="guide-text"
          value={text}
          rows={4}
          placeholder={t('guide.enterTextHint', { example: t('guide.exampleText') })}
          onChange={(change) => setText(change.target.value)}
        />
      </Form.Item>
      <Button type="primary" htmlType="submit" disabled={!text.trim()} loading={ask.isPending}>
        {t('guide.ask')}
      </Button>
      <div style={{ marginBlockStart: 12 }}>
        <ErrorAlert error={ask.error} onRetry={() => ask.mutate(text)} />
      </div>
      {ask.data && <Answer prediction={ask.data} />}
    </Form>
  );
}
