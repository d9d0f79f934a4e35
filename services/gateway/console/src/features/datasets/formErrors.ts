import type { FormInstance } from 'antd';

import { ApiError } from '@/api/errors';

/** Show what the server says about fields (`dataset.name`) at them; gives whether all of it found its place. */
export function showFieldErrors<T>(form: FormInstance<T>, error: unknown, shown: readonly string[]): boolean {
  if (!(error instanceof ApiError) || !error.fields.length) return false;
  const placed = error.fields.flatMap(({ field, description }) => {
    const name = shown.find((one) => field === one || field === `dataset.${one}` || field.endsWith(`.${one}`));
    return name ? [{ name, errors: [description] }] : [];
  });
  form.setFields(placed as unknown as Parameters<typeof form.setFields>[0]);
  return placed.length === error.fields.length;
}
