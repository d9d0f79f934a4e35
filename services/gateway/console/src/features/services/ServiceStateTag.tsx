import { useTranslation } from 'react-i18next';

import type { Service, ServiceState } from '@/api/types';
import { type Mood, StateTag } from '@/components/StateTag';

const MOODS: Record<ServiceState, Mood> = {
  STATE_UNSPECIFIED: 'quiet',
  STATE_STOPPED: 'quiet',
  STATE_STARTING: 'busy',
  STATE_RUNNING: 'good',
  STATE_STOPPING: 'busy',
  STATE_FAILED: 'bad',
};

interface Props {
  service: Pick<Service, 'state' | 'actual_load'>;
}

export function ServiceStateTag({ service }: Props) {
  const { t } = useTranslation();
  // It is to run, but its model is away and is loaded again.
  if (service.state === 'STATE_RUNNING' && service.actual_load === 0) {
    return <StateTag mood="waiting">{t('services.recovering')}</StateTag>;
  }
  return <StateTag mood={MOODS[service.state]}>{t(`services.states.${service.state}`)}</StateTag>;
}
