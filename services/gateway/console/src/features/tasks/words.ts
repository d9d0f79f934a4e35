import { useTranslation } from 'react-i18next';

/** Steps have the names that the algorithm gives them; the usual ones are translated. */
export function useStepName(): (name: string) => string {
  const { t, i18n } = useTranslation();
  return (name) => {
    const key = `tasks.page.step.${name}`;
    return i18n.exists(key) ? t(key as 'tasks.page.step.training') : name;
  };
}
