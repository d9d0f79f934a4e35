import { useTranslation } from 'react-i18next';

/** What an event says, in words; types that are not known stay as they are. */
export function useEventName(): (type: string) => string {
  const { t, i18n } = useTranslation();
  return (type) => {
    const key = `events.types.${type}`;
    return i18n.exists(key) ? t(key as 'events.types.task.created') : type;
  };
}
