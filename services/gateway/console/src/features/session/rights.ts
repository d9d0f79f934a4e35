import { useCurrentUser } from './api';

/** Whether the user administers the platform. */
export function useAdmin(): boolean {
  return useCurrentUser().data?.roles.includes('admin') ?? false;
}

/** Whether the user may change something: owners their own, administrators all. The server decides in the end. */
export function useMayChange(): (thing: { owner: string; visibility: string }) => boolean {
  const user = useCurrentUser().data;
  const admin = useAdmin();
  return (thing) => admin || (thing.owner === user?.id && thing.visibility !== 'VISIBILITY_PRESET');
}
