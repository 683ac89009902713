import { isIP } from 'node:net';
import { mappingOf } from './external-address.ts';

/** The highest port. */
export const PORT = 65535;

/** Whether a value is an address, a host name that turnserver looks up, or, for external-ip, two of them with a slash. */
export function isAddress(name: string, value: string): boolean {
  if (name !== 'external-ip') return isHost(value.trim());
  const { announced, inside } = mappingOf({ value });
  // Other rules report an empty private end.
  if (inside === undefined) return isHost(announced);
  return (announced === '' || isHost(announced)) && (inside === '' || isHost(inside));
}

const isHost = (text: string) =>
  isIP(text) !== 0 || (/^[a-z0-9]([\w.-]*[a-z0-9])?\.?$/i.test(text) && /[a-z]/i.test(text));

/** Whether a name may exist in the public DNS. @see RFC 2606, RFC 6762 */
const isPublicName = (name: string) => /\.[a-z][a-z\d-]+\.?$/i.test(name) && !RESERVED.test(name);
const RESERVED = /\.(test|example|invalid|localhost|local)\.?$/i;

/** Names in a value that turnserver looks up at startup and that cannot be in the public DNS. `localhost` always resolves. */
export function privateNamesIn(name: string, value: string): string[] {
  const { announced, inside = '' } = mappingOf({ value });
  const host = /^ *([^:[\]]*)(?: *:.*)?$/.exec(value)?.[1] ?? '';
  const parts = name === 'external-ip' ? [announced, inside] : [name === 'aux-server' ? host : value];
  return parts
    .map((part) => part.trim())
    .filter(
      (part) => isIP(part) === 0 && isHost(part) && !isPublicName(part) && part.toLowerCase() !== 'localhost',
    );
}

/** Whether a server's address has a port. */
export const hasPort = (value: string): boolean => /^ *(\[[^\]]*\]|[^:[\]]*) *: *0*[1-9]/.test(value);

/** Whether a value is a server address with an optional port. @see coturn, ns_turn_ioaddr.c, make_ioa_addr_from_full_string() */
export function isServer(value: string): boolean {
  if (isIP(value.trim()) === 6) return false;
  const [, bracketed, host = '', port = '0'] =
    /^ *(?:\[([^\]]*)\]|([^:[\]]*))(?: *:\s*(\d*).*)? *$/.exec(value) ?? [];
  const known =
    bracketed === undefined ? isHost(host.trim()) && isIP(host.trim()) !== 6 : isIP(bracketed) !== 0;
  return known && Number(port) <= PORT;
}
