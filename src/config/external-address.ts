import { isIP } from 'node:net';
import { parseAddress } from '../turn/values.ts';
import { closedPeer } from './closed-peers.ts';
import type { Configuration } from './configuration.ts';
import { type Finding, finding } from './finding.ts';
import { isUnfilled } from './placeholders.ts';
import type { Setting } from './settings.ts';

/** The address that clients are given for their relay: `PUBLIC`, or `PUBLIC/PRIVATE` for each address of the machine. */
export function lintExternalAddress({ settings }: Configuration): Finding[] {
  const all = settings.filter(({ name, value }) => name === 'external-ip' && value !== '');
  const [, ...ignored] = all.filter(({ value }) => !value.includes('/'));
  const again = ignored.map((setting) =>
    finding(
      'repeated-option',
      'error',
      setting,
      'turnserver ignores a second external-ip without a slash; write external-ip=PUBLIC/PRIVATE for each address',
    ),
  );
  const used = all.filter((setting) => !ignored.includes(setting) && !isUnfilled(setting));
  return [...again, ...used.flatMap(lintAnnounced)];
}

function lintAnnounced(setting: Setting): Finding[] {
  const { announced, inside } = mappingOf(setting);
  if (announced === '' && inside !== undefined)
    return [
      finding(
        'unreachable-address',
        'error',
        setting,
        'the public end of external-ip is empty: clients are given 0.0.0.0',
      ),
    ];
  if (isIP(announced) === 0) return [];
  const kind = kindOf(announced);
  if (kind === undefined) return [];
  if (inside !== undefined && isIP(inside) !== 0 && kindOf(inside) === undefined) {
    const message = `clients are given ${announced} (${kind}): the ends are swapped, write external-ip=${inside}/${announced}`;
    return [finding('unreachable-address', 'error', setting, message)];
  }
  const message = `clients are given ${announced} (${kind}) as their relay's address, which peers on the internet cannot reach`;
  return [finding('unreachable-address', isMachineOnly(kind) ? 'error' : 'warning', setting, message)];
}

/** The two ends of `PUBLIC/PRIVATE`; what is behind a second slash belongs to the second end, which is no address then. */
export function mappingOf({ value }: Pick<Setting, 'value'>): {
  announced: string;
  inside: string | undefined;
} {
  const [announced = '', ...rest] = value.split('/');
  return { announced: announced.trim(), inside: rest.length === 0 ? undefined : rest.join('/').trim() };
}

/** What an address is, if not public. */
function kindOf(address: string): string | undefined {
  const bytes = parseAddress(address);
  return bytes.every((byte) => byte === 0) ? 'unspecified' : closedPeer(bytes)?.kind;
}

/** A relay in a private network may be meant for its peers only. */
const isMachineOnly = (kind: string) =>
  /loopback|unspecified|link-local|multicast|this host|reserved/.test(kind);
