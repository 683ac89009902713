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
  const [scheme] = /^\s*(?:[a-z][a-z\d+.-]*:\/\/)?/i.exec(text) ?? [''];
  const at = text.lastIndexOf('@');
  const hidden = at < scheme.length ? '' : text.slice(scheme.length, at);
  if (/[?#]/.test(hidden)) return `${scheme}REDACTED`;
  const shown = at < scheme.length ? text.slice(scheme.length) : `REDACTED${text.slice(at)}`;
  return scheme + shown.replace(/[?#].*$/s, '?REDACTED');
}
