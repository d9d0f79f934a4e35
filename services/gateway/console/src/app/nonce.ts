/** What the gateway allows this page's styles by. */
export const nonce = document.querySelector('meta[name=csp-nonce]')?.getAttribute('content') ?? '';

const create = document.createElement.bind(document);

/**
 * Parts of Ant Design (scroll lock, measuring of scroll bars) make style elements without the nonce that they were
 * given, which the content-security policy blocks; so every style element that our scripts make gets it.
 */
document.createElement = ((name: string, options?: ElementCreationOptions) => {
  const element = create(name, options);
  if (element instanceof HTMLStyleElement) element.nonce = nonce;
  return element;
}) as typeof document.createElement;
