/** The optional scheme of a URL with a host. */
const SCHEME = /^\s*(?:[a-z][a-z\d+.-]*:\/\/)?/i;
const MAX_PORT = 65_535;

/** Removes credentials, query and fragment, which may be secret, from a URL for messages and records. Accepts invalid URLs. */
export function shownUrl(address: string): string {
  const url = URL.canParse(address) ? new URL(address) : undefined;
  // `user:password@host` parses as a URL with the scheme `user`.
  if (url === undefined || url.host === '') return redacted(address);
  url.username = '';
  url.password = '';
  if (url.search !== '') url.search = 'REDACTED';
  url.hash = '';
  return url.href;
}

/** Redacts text that is not a URL. Everything up to the last @ may be a password, which may contain question marks. */
function redacted(text: string): string {
  const [scheme] = SCHEME.exec(text) ?? [''];
  const at = text.lastIndexOf('@');
  const hidden = at < scheme.length ? '' : text.slice(scheme.length, at);
  if (/[?#]/.test(hidden)) return `${scheme}REDACTED`;
  if (at < scheme.length && scheme.trim() !== '') return scheme + withoutPassword(text.slice(scheme.length));
  const shown = at < scheme.length ? text.slice(scheme.length) : `REDACTED${text.slice(at)}`;
  return scheme + withoutQuery(shown);
}

/** Redacts the part after the colon of `HOST:PORT` unless it is a port: the text may be `USER:PASSWORD` without a host. */
export function withoutPassword(text: string): string {
  const [, host = '', port] = /^([^:/?#]*):([^/?#]*)/.exec(text) ?? [];
  const isPort = port === undefined || (/^\d+$/.test(port) && Number(port) <= MAX_PORT);
  return isPort ? withoutQuery(text) : `${host}:REDACTED`;
}

function withoutQuery(text: string): string {
  return text.replace(/[?#].*$/s, '?REDACTED');
}
