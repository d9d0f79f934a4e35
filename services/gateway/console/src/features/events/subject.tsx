import { Typography } from 'antd';
import { Link } from 'react-router';

import type { PlatformEvent } from '@/api/types';

const PAGES: Record<string, string> = {
  dataset: '/datasets',
  algorithm: '/algorithms',
  task: '/tasks',
  model: '/models',
  service: '/services',
};

/** The page of a subject such as `dataset/ds-1`, `run/task-1-2` or `service/svc-1/3`; empty where there is none. */
export function pageOf(subject: string): string {
  const [kind = '', id = ''] = subject.split('/');
  if (kind === 'run') return `/tasks/${id.replace(/-\d+$/, '')}`;
  return id && PAGES[kind] ? `${PAGES[kind]}/${id}` : '';
}

/** The name of what an event is about, where its data holds one. */
export function nameOf(event: PlatformEvent): string {
  const [kind = ''] = event.subject.split('/');
  const held = (parsed(event.data) as Record<string, { name?: string; spec?: { name?: string } } | undefined>)[kind];
  return held?.name ?? held?.spec?.name ?? '';
}

function parsed(data: string): object {
  try {
    return (JSON.parse(data) ?? {}) as object;
  } catch {
    return {};
  }
}

/** A subject under its name, as a link to its page. */
export function SubjectLink({ subject, name }: { subject: string; name?: string }) {
  const to = pageOf(subject);
  const text = (
    <Typography.Text ellipsis style={{ maxWidth: '100%', color: 'inherit' }} title={name || subject}>
      {name || subject}
    </Typography.Text>
  );
  return to ? (
    <Link to={to} onClick={(click) => click.stopPropagation()}>
      {text}
    </Link>
  ) : (
    text
  );
}
