import { useTranslation } from 'react-i18next';

import type { TaskState } from '@/api/types';
import { type Mood, StateTag } from '@/components/StateTag';

const MOODS: Record<TaskState, Mood> = {
  STATE_UNSPECIFIED: 'quiet',
  STATE_DRAFT: 'quiet',
  STATE_WAITING: 'waiting',
  STATE_TRAINING: 'busy',
  STATE_STOPPED: 'quiet',
  STATE_FINISHED: 'good',
  STATE_FAILED: 'bad',
  STATE_PUBLISHED: 'special',
};

export const STATES: TaskState[] = (Object.keys(MOODS) as TaskState[]).filter((state) => state !== 'STATE_UNSPECIFIED');

export function TaskStateTag({ state }: { state: TaskState }) {
  const { t } = useTranslation();
  return <StateTag mood={MOODS[state]}>{t(`tasks.states.${state}`)}</StateTag>;
}
