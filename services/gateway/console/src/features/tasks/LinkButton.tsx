import { Button, type ButtonProps } from 'antd';
import type { MouseEvent } from 'react';
import { useHref, useLinkClickHandler } from 'react-router';

/** A link to another page that looks like a button. */
export function LinkButton({ to, ...rest }: ButtonProps & { to: string }) {
  const href = useHref(to);
  const go = useLinkClickHandler<HTMLAnchorElement>(to);
  return <Button {...rest} href={href} onClick={(event) => go(event as MouseEvent<HTMLAnchorElement>)} />;
}
