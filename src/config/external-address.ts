import { isIP } from 'node:net';
import { parseAddress } from '../turn/values.ts';
import { closedPeer } from './closed-peers.ts';
import type { Configuration } from './configuration.ts';
import { type Finding, finding } from './finding.ts';
import { isUnfilled } from './placeholders.ts';
import type { Setting } from './settings.ts';

/** Checks the relay address that clients receive: `PUBLIC`, or `PUBLIC/PRIVATE` for each address of the machine. */
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
  return [...again, ...lintMappings(used), ...used.flatMap(lintAnnounced)];
}

/** Checks the pairs. turnserver uses the first pair with the machine's address. */
function lintMappings(settings: readonly Setting[]): Finding[] {
  const mapped = new Map<string, string>();
  return settings.flatMap((setting) => {
    const { announced, inside = '' } = mappingOf(setting);
    if (isIP(inside) === 0 || isIP(announced) === 0) return [];
    const bytes = String(parseAddress(inside));
    const before = mapped.get(bytes);
    if (before === undefined) mapped.set(bytes, announced);
    if (before !== undefined && before !== announced)
      return [
        finding(
          'repeated-option',
          'error',
          setting,
          `${inside} is announced as ${before} by an earlier line`,
        ),
      ];
    if (isIP(inside) === isIP(announced) || kindOf(inside) === 'unspecified') return [];
    const message = `${inside} and ${announced} belong to different address families: clients get an address of a family that they did not request`;
    return [finding('invalid-address', 'error', setting, message)];
  });
}

/** Checks for listening and relay addresses that other machines cannot reach. */
export function lintOwnAddresses({ settings }: Configuration): Finding[] {
  const of = (option: string) => settings.filter(({ name, value }) => name === option && value !== '');
  const unreachable = ({ value }: Setting) => {
    const kind = isIP(value.trim()) === 0 ? undefined : kindOf(value.trim());
    // The unspecified address means all addresses of the machine.
    return kind !== undefined && kind !== 'unspecified' && isMachineOnly(kind) ? kind : undefined;
  };
  const relays = of('relay-ip').flatMap((setting) => {
    const kind = unreachable(setting);
    if (kind === undefined) return [];
    const message = `peers cannot reach a relay at ${setting.value} (${kind})`;
    return [finding('unreachable-address', 'error', setting, message)];
  });
  const [first, ...others] = of('listening-ip');
  if (first === undefined || [first, ...others].some((each) => unreachable(each) === undefined))
    return relays;
  const isRelay = of('relay-ip').length === 0;
  const message = `turnserver listens on ${first.value} (${unreachable(first)}) only${isRelay ? ', and relays there' : ''}`;
  return [...relays, finding('unreachable-address', isRelay ? 'error' : 'warning', first, message)];
}

function lintAnnounced(setting: Setting): Finding[] {
  const { announced, inside } = mappingOf(setting);
  if (announced === '' && inside !== undefined)
    return [
      finding(
        'unreachable-address',
        'error',
        setting,
        'the public end of external-ip is empty: clients get 0.0.0.0',
      ),
    ];
  if (isIP(announced) === 0) return [];
  const kind = kindOf(announced);
  if (kind === undefined) return [];
  if (inside !== undefined && isIP(inside) !== 0 && kindOf(inside) === undefined) {
    const message = `clients get ${announced} (${kind}): the two addresses are swapped, write external-ip=${inside}/${announced}`;
    return [finding('unreachable-address', 'error', setting, message)];
  }
  const message = `clients get the relay address ${announced} (${kind}), which peers on the internet cannot reach`;
  return [finding('unreachable-address', isMachineOnly(kind) ? 'error' : 'warning', setting, message)];
}

/** The two ends of `PUBLIC/PRIVATE`. A second slash belongs to the second end, which is then not an address. */
export function mappingOf({ value }: Pick<Setting, 'value'>): {
  announced: string;
  inside: string | undefined;
} {
  const [announced = '', ...rest] = value.split('/');
  return { announced: announced.trim(), inside: rest.length === 0 ? undefined : rest.join('/').trim() };
}

/** The kind of an address; undefined if it is public. */
function kindOf(address: string): string | undefined {
  const bytes = parseAddress(address);
  return bytes.every((byte) => byte === 0) ? 'unspecified' : closedPeer(bytes)?.kind;
}

/** Whether peers on other networks can never reach the address. Private addresses are not included: a relay may serve a private network. */
const isMachineOnly = (kind: string) =>
  /loopback|unspecified|link-local|multicast|this host|reserved/.test(kind);
