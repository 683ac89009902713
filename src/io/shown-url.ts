/** How an address begins that has a host. */
const SCHEME = /^\s*(?:[a-z][a-z\d+.-]*:\/\/)?/i;
const MAX_PORT = 65_535;

/** An address, or what is none, for messages and records: a password, a query and a fragment may be secret. */
export function shownUrl(address: string): string {
  const url = URL.canParse(address) ? new URL(address) : undefined;
  // `user:password@host` is an address as well, of the scheme `user`.
  if (url === undefined || url.host === '') return redacted(address);
  url.username = '';
  url.password = '';
  if (url.search !== '') url.search = 'REDACTED';
  url.hash = '';
  return url.href;
}

/** Up to the last @ there may be a password, which may have question marks in it. */
function redacted(text: string): string {
  const [scheme] = SCHEME.exec(text) ?? [''];
  const at = text.lastIndexOf('@');
  const hidden = at < scheme.length ? '' : text.slice(scheme.length, at);
  if (/[?#]/.test(hidden)) return `${scheme}REDACTED`;
  if (at < scheme.length && scheme.trim() !== '') return scheme + withoutPassword(text.slice(scheme.length));
  const shown = at < scheme.length ? text.slice(scheme.length) : `REDACTED${text.slice(at)}`;
  return scheme + withoutQuery(shown);
}

/** Text that should be a host and a port, without what may be a password: `USER:PASSWORD`, whose host is missing. */
export function withoutPassword(text: string): string {
  const [, host = '', port] = /^([^:/?#]*):([^/?#]*)/.exec(text) ?? [];
  const isPort = port === undefined || (/^\d+$/.test(port) && Number(port) <= MAX_PORT);
  return isPort ? withoutQuery(text) : `${host}:REDACTED`;
}

function withoutQuery(text: string): string {
  return text.replace(/[?#].*$/s, '?REDACTED');
}
