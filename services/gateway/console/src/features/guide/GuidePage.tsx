import { Alert, Button, Card, Steps, Tag } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';

import { ApiError } from '@/api/errors';
import type { Task } from '@/api/types';
import { ErrorAlert } from '@/components/errors';
import { Page } from '@/components/Page';
import { lazily } from '@/components/lazily';

import { useWatched } from './api';
import { Checking } from './Checking';
import { type Kind, without } from './files';
import { GoOn } from './GoOn';
import { ImportFailed } from './ImportFailed';
import { useLearn } from './learn';
import { Learning } from './Learning';
import { forgetPath, lastPath, NOTHING, usePath } from './path';
import { useRun } from './run';
import { Sending } from './Sending';
import { What } from './What';

const PickData = lazily(async () => (await import('./PickData')).PickData);
const TryIt = lazily(async () => (await import('./TryIt')).TryIt);
const Experts = lazily(async () => (await import('./Experts')).Experts);
const Result = lazily(async () => (await import('./Result')).Result);

const LEARNT = new Set<Task['state'] | undefined>(['STATE_FINISHED', 'STATE_PUBLISHED']);
const GOES_ON = new Set<Task['state'] | undefined>(['STATE_WAITING', 'STATE_TRAINING']);

/** From a folder of samples to a model that answers, for people who know nothing of all this. */
export default function GuidePage() {
  const { t } = useTranslation();
  const [path, change] = usePath();
  const [left, setLeft] = useState(lastPath);
  const run = useRun((made) => change({ dataset: made }));

  const task = useWatched('tasks', path.task, (read) => GOES_ON.has(read?.state));
  const dataset = useWatched('datasets', path.dataset, () => path.task === '');
  const service = useWatched('services', path.service, () => true);
  const purpose = dataset.data?.purpose ?? task.data?.purpose;
  const kind: Kind = (purpose?.level1 ?? path.kind) === 'text' ? 'text' : 'image';
  const title = path.name || dataset.data?.description || t(`guide.nameDefault.${kind}`);
  const learning = useLearn(path.task ? undefined : dataset.data, title, (made) => change({ task: made }));

  const queries = [dataset, task, service];
  const gone = queries.some(({ error }) => error instanceof ApiError && error.code === 404);
  const learnt = LEARNT.has(task.data?.state);
  const sending = run.pending || run.error !== null;
  const unusable = dataset.data?.state === 'STATE_DRAFT' || dataset.data?.state === 'STATE_FAILED';
  const lacksData = !sending && !path.task && (!path.dataset || unusable);
  const step = !path.kind && !path.dataset && !path.task ? 0 : learnt ? 3 : lacksData ? 1 : 2;

  const startOver = () => {
    run.reset();
    forgetPath();
    setLeft('');
    change(NOTHING);
  };
  const begin = (chosen: Kind, name: string) => change({ ...NOTHING, kind: chosen, name });

  const problems = dataset.data?.problems ?? [];
  const picked = run.job()?.picked;
  const samples = picked && 'classes' in picked ? picked.classes : undefined;
  const each = problems.length > 0 && problems.length === dataset.data?.problem_count && problems.every(({ file }) => file);
  const leaveOut = () => {
    const classes = without(samples ?? [], problems.map(({ file }) => file));
    run.start({ picked: { classes }, kind, title, dataset: path.dataset });
  };

  return (
    <Page
      title={t('guide.title')}
      lead={t('guide.lead')}
      beside={step > 0 && <Tag>{title}</Tag>}
      actions={
        step > 0 &&
        !run.pending && <Button onClick={startOver}>{learnt ? t('guide.makeAnother') : t('guide.again')}</Button>
      }
    >
      <Card>
        <Steps
          size="small"
          current={step}
          style={{ marginBlockEnd: 24 }}
          items={(['what', 'data', 'learn', 'tryOut'] as const).map((key) => ({ title: t(`guide.steps.${key}`) }))}
        />
        {gone && (
          <Alert
            type="warning"
            showIcon
            title={t('guide.gone')}
            action={<Button onClick={startOver}>{t('guide.again')}</Button>}
          />
        )}
        {!gone &&
          queries.map((query, at) => <ErrorAlert key={at} error={query.error} onRetry={() => void query.refetch()} />)}
        {!gone && step === 0 && (
          <>
            {left && <GoOn to={left} />}
            <What onDone={begin} />
          </>
        )}
        {!gone && step === 1 && (
          <>
            {dataset.data?.state === 'STATE_DRAFT' && (
              <Alert type="info" showIcon title={t('guide.noDataYet')} style={{ marginBlockEnd: 16 }} />
            )}
            {dataset.data?.state === 'STATE_FAILED' && (
              <ImportFailed dataset={dataset.data} onLeaveOut={samples && each ? leaveOut : undefined} />
            )}
            <PickData kind={kind} onStart={(given) => run.start({ picked: given, kind, title, dataset: path.dataset })} />
          </>
        )}
        {!gone && step === 2 && sending && <Sending run={run} kind={kind} />}
        {!gone && step === 2 && !sending && !path.task && (
          <Checking dataset={dataset.data} learning={learning} kind={kind} />
        )}
        {!gone && step === 2 && !sending && task.data && <Learning task={task.data} kind={kind} />}
        {!gone && step === 3 && task.data && (
          <Result task={task.data} kind={kind}>
            <TryIt task={task.data} service={service.data} onService={(made) => change({ service: made })} />
          </Result>
        )}
        {!gone && (
          <Experts
            dataset={path.dataset || task.data?.dataset_id || ''}
            task={path.task}
            model={service.data?.model_id ?? ''}
            service={path.service}
          />
        )}
      </Card>
    </Page>
  );
}
