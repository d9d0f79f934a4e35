import { App, Button, Card, Flex, Steps, Typography } from 'antd';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useEffect, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useNavigate } from 'react-router';

import { ApiError } from '@/api/errors';
import type { Algorithm, Dataset } from '@/api/types';
import { palette, useLook } from '@/app/theme';
import { ErrorAlert } from '@/components/errors';
import { lazily } from '@/components/lazily';

import { createTask } from '../api';
import { AlgorithmStep } from './AlgorithmStep';
import { type Draft, parametersHold, toTask } from './draft';
import { PurposeStep } from './PurposeStep';
import type { Begun } from './usePrefill';

const DataStep = lazily(async () => (await import('./DataStep')).DataStep);
const ParametersStep = lazily(async () => (await import('./ParametersStep')).ParametersStep);
const ReviewStep = lazily(async () => (await import('./ReviewStep')).ReviewStep);

const PARAMETER = 'task.parameters.';

interface Props {
  begun: Begun;
  algorithms: Algorithm[];
  datasets: Dataset[];
}

/** Purpose, algorithm, data, parameters, review: what is chosen stays when one goes back. */
export function Wizard({ begun, algorithms, datasets }: Props) {
  const { t } = useTranslation();
  const { appearance } = useLook();
  const [draft, setDraft] = useState<Draft>(begun.draft);
  const [step, setStep] = useState(begun.step);
  const [tried, setTried] = useState(false);
  const creation = useCreation();
  const heading = useRef<HTMLHeadingElement>(null);
  const moved = useRef(false);

  useEffect(() => {
    // Whoever uses a screen reader hears what is asked now.
    if (moved.current) heading.current?.focus();
    moved.current = true;
  }, [step]);

  const missing = [
    draft.purpose ? '' : t('tasks.wizard.choosePurposeFirst'),
    draft.algorithm ? '' : t('tasks.wizard.chooseAlgorithmFirst'),
    draft.dataset ? '' : t('tasks.wizard.chooseDatasetFirst'),
    parametersHold(draft.algorithm, draft.parameters) ? '' : t('tasks.wizard.parametersWrong'),
    draft.name.trim() ? '' : t('tasks.wizard.nameMissing'),
  ];
  const last = missing.length - 1;
  /** The first step that is not done: nobody can go beyond it. */
  const reach = missing.findIndex(Boolean) === -1 ? last : missing.findIndex(Boolean);
  const go = (to: number) => {
    setTried(false);
    setStep(to);
  };
  const next = () => (missing[step] ? setTried(true) : go(step + 1));
  const create = (start: boolean) => (missing[last] ? setTried(true) : creation.mutate({ draft, start }));
  const faults = creation.error instanceof ApiError ? creation.error.fields : [];
  const errors = Object.fromEntries(
    faults.filter(({ field }) => field.startsWith(PARAMETER)).map((f) => [f.field.slice(PARAMETER.length), f.description]),
  );
  const change = (after: Draft) => {
    setDraft(after);
    creation.reset();
  };
  const shared = { draft, onChange: change };
  const questions = [
    t('tasks.wizard.choosePurpose'),
    t('tasks.wizard.chooseAlgorithm'),
    t('tasks.wizard.chooseDataset'),
    t('tasks.wizard.parameters'),
    t('tasks.wizard.review'),
  ];

  return (
    <Card>
      <Steps
        aria-label={t('tasks.wizard.steps')}
        size="small"
        current={step}
        onChange={(to) => to <= reach && go(to)}
        items={(['purpose', 'algorithm', 'data', 'parameters', 'review'] as const).map((name, at) => ({
          title: t(`tasks.wizard.${name}`),
          disabled: at > reach,
        }))}
        style={{ marginBlockEnd: 24 }}
      />
      <Typography.Title level={2} ref={heading} tabIndex={-1} style={{ fontSize: 18, margin: '0 0 16px', outline: 'none' }}>
        {questions[step]}
      </Typography.Title>
      {step === 0 && <PurposeStep {...shared} algorithms={algorithms} />}
      {step === 1 && <AlgorithmStep {...shared} algorithms={algorithms} />}
      {step === 2 && <DataStep {...shared} datasets={datasets} />}
      {step === 3 && <ParametersStep {...shared} errors={errors} />}
      {step === last && (
        <ReviewStep
          {...shared}
          onGo={go}
          nameError={tried && missing[last] ? missing[last] : (faults.find(({ field }) => field === 'task.name')?.description ?? '')}
        />
      )}
      <div style={{ marginBlockStart: 20 }}>
        <ErrorAlert error={creation.error} />
      </div>
      <Flex gap={8} align="center" wrap style={{ marginBlockStart: 4 }}>
        {step > 0 && <Button onClick={() => go(step - 1)}>{t('common.previous')}</Button>}
        {step < last && (
          <Button type="primary" onClick={next}>
            {t('common.next')}
          </Button>
        )}
        {step === last && (
          <>
            <Button type="primary" loading={creation.isPending} onClick={() => create(true)}>
              {t('tasks.wizard.start')}
            </Button>
            <Button disabled={creation.isPending} onClick={() => create(false)}>
              {t('tasks.wizard.save')}
            </Button>
          </>
        )}
        {tried && step < last && (
          <span role="alert" style={{ color: palette[appearance].bad }}>
            {missing[step]}
          </span>
        )}
      </Flex>
    </Card>
  );
}

function useCreation() {
  const { t } = useTranslation();
  const { message } = App.useApp();
  const queries = useQueryClient();
  const navigate = useNavigate();
  return useMutation({
    mutationFn: ({ draft, start }: { draft: Draft; start: boolean }) => createTask(toTask(draft), start),
    onSuccess: async (task, { start }) => {
      void queries.invalidateQueries({ queryKey: ['tasks'] });
      void message.success(t(start ? 'tasks.wizard.started' : 'tasks.wizard.saved', { name: task.name }));
      await navigate(`/tasks/${task.id}`);
    },
  });
}
