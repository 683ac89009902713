/** An address for messages and records: a password, a query and a fragment may be secret. */
export function shownUrl(address: string): string {
  if (!URL.canParse(address))
    return address.replace(/\/\/.*@/, '//REDACTED@').replace(/[?#].*$/s, '?REDACTED');
  const url = new URL(address);
  url.username = '';
  url.password = '';
  if (url.search !== '') url.search = 'REDACTED';
  url.hash = '';
  return url.href;
}
