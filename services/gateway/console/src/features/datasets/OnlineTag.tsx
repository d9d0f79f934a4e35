import { useTranslation } from 'react-i18next';

import { StateTag } from '@/components/StateTag';

export function OnlineTag({ online }: { online: boolean }) {
  const { t } = useTranslation();
  return <StateTag mood={online ? 'good' : 'quiet'}>{t(online ? 'datasets.onlineYes' : 'datasets.onlineNo')}</StateTag>;
}
