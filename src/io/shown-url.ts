/** An address for messages and records: a password, or the values of a query, may be secret. */
export function shownUrl(address: string): string {
  if (!URL.canParse(address)) return address;
  const url = new URL(address);
  url.username = '';
  url.password = '';
  for (const name of [...url.searchParams.keys()]) url.searchParams.set(name, 'REDACTED');
  return url.href;
}
