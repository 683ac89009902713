import type { PeerRange } from '../turn/peer-ranges.ts';
import { formatAddress, parseAddress } from '../turn/values.ts';
import {
  CLOSED_PEERS,
  CLOSED_RANGES,
  type ClosedPeer,
  closedPeer,
  embeddedOf,
  uniquePeers,
} from './closed-peers.ts';
import type { Configuration } from './configuration.ts';
import { mappingOf } from './external-address.ts';
import { type Finding, finding, type LintContext } from './finding.ts';
import { describeForgotten, type Forgotten, forgotten, list } from './forgotten-peers.ts';
import { type Guards, guardsOf } from './guards.ts';
import { checkRange, isEverything, isUnlimited, readRange } from './range-syntax.ts';
import type { Setting } from './settings.ts';

/** Examples of peers on the public internet. */
const PUBLIC_PEERS = [
  '1.1.1.1',
  '20.0.3.2',
  '100.128.0.1',
  '172.32.0.1',
  '223.255.255.254',
  '2400:cb00::1',
  '2a00:1450::1',
].map((peer) => ({ peer, address: parseAddress(peer) }));

/** A setting that is a range of peers. */
interface RangeSetting {
  setting: Setting;
  range: PeerRange;
}

/** The valid ranges of an option. */
function rangesOf({ settings }: Configuration, name: string): RangeSetting[] {
  return settings
    .filter((setting) => setting.name === name)
    .flatMap((setting) => {
      const range = readRange(setting.value);
      return range === undefined ? [] : [{ setting, range }];
    });
}

/** Whether an authenticated client may send to a peer. @see coturn, ns_turn_server.c, good_peer_addr() */
export function permits(configuration: Configuration, { version }: LintContext): (peer: Buffer) => boolean {
  const guards = guardsOf(version, configuration);
  const denied = rangesOf(configuration, 'denied-peer-ip');
  const inside = privateEnds(configuration).map(({ range }) => ({ range }));
  const allowed = [...rangesOf(configuration, 'allowed-peer-ip'), ...inside];
  const isIn = (ranges: readonly { range: PeerRange }[], peer: Buffer) =>
    ranges.some(({ range }) => guards.holds(range, peer));
  return (peer) => !guards.itself(peer) && (isIn(allowed, peer) || !isIn(denied, peer));
}

/** The peers that no denied range covers. */
export function forgottenPeers(configuration: Configuration, { version }: LintContext): Forgotten[] {
  const ranges = rangesOf(configuration, 'denied-peer-ip').map(({ range }) => range);
  return forgotten(ranges, guardsOf(version, configuration));
}

/** Checks the peer ranges, and which peers they fail to deny. */
export function lintPeers(configuration: Configuration, context: LintContext): Finding[] {
  const { settings } = configuration;
  const written = settings.filter(({ name }) => name === 'denied-peer-ip' || name === 'allowed-peer-ip');
  const denied = rangesOf(configuration, 'denied-peer-ip');
  const everything = denied.some(({ range }) => range.start.length === 4 && isEverything(range));
  const found = written.flatMap((setting) => checkRange(setting, context.version, everything));
  // turnserver then does not relay.
  if (configuration.isOn('stun-only')) return found;
  const guards = guardsOf(context.version, configuration);
  const doubtful = found.some(({ rule }) => rule === 'invalid-range');
  found.push(...describeForgotten(forgottenPeers(configuration, context), doubtful ? 'no valid' : 'no'));
  for (const { setting, range } of denied) {
    const held = publicPeerIn(range, guards);
    if (held !== undefined && setting.value !== '')
      found.push(
        finding(
          'public-peer-denied',
          'warning',
          setting,
          `it denies ${held}, which is on the public internet`,
        ),
      );
  }
  for (const { setting, range } of rangesOf(configuration, 'allowed-peer-ip'))
    if (setting.value !== '') found.push(...opened(setting, range, guards, configuration));
  return [...found, ...privateEnds(configuration).map(openedByMapping)];
}

/** A public address that a wide range contains. Narrow ranges may exclude a network on purpose. */
function publicPeerIn(range: PeerRange, guards: Guards): string | undefined {
  const known = PUBLIC_PEERS.find(({ address }) => guards.holds(range, address));
  if (known !== undefined) return known.peer;
  if (!isWide(range)) return undefined;
  const edges = [range.start, ...CLOSED_RANGES.map((closed) => next(closed.range.end))];
  const held = edges.find(
    (address) =>
      address.length === range.start.length &&
      closedPeer(address) === undefined &&
      !address.every((byte) => byte === 0) &&
      guards.holds(range, address),
  );
  return held === undefined ? undefined : formatAddress(held);
}

/** Whether a range is wider than a typical network: 2^16 IPv4 addresses or 2^96 IPv6 addresses. */
function isWide({ start, end }: PeerRange): boolean {
  const number = (address: Buffer) => BigInt(`0x${address.toString('hex')}`);
  return (
    start.length === end.length && number(end) - number(start) >= (start.length === 4 ? 2n ** 16n : 2n ** 96n)
  );
}

/** The next address; all zeros after the last one. */
function next(address: Buffer): Buffer {
  const digits = address.length * 2;
  const number = BigInt(`0x${address.toString('hex')}`) + 1n;
  return Buffer.from(number.toString(16).padStart(digits, '0').slice(-digits), 'hex');
}

/** Reports peers outside the public internet that an allowed range permits. */
function opened(setting: Setting, range: PeerRange, guards: Guards, configuration: Configuration): Finding[] {
  const ends = [range.start, range.end].flatMap((address) => closedPeer(address) ?? []);
  const closed = uniquePeers([...ends, ...CLOSED_PEERS]).filter(
    ({ address }) => guards.holds(range, address) && !isPublicWithin(address, range),
  );
  if (closed.length === 0) return [];
  const open = closed.filter(({ address }) => !guards.itself(address));
  // Allowing only the server's own address lets two of its clients reach each other, as external-ip's private end does.
  const own = Buffer.compare(range.start, range.end) === 0 && isOwn(range.start, configuration);
  const level = open.some((peer) => peer.level === 'error') && !own ? 'error' : 'warning';
  const message = `it permits peers outside the public internet: ${list(open.map(describe))}`;
  if (open.length > 0) return [finding('peer-allowed', level, setting, message)];
  const vain = `allowing ${list(closed.map(describe))} has no effect: turnserver's built-in guards refuse such peers`;
  return [finding('peer-allowed', 'note', setting, vain)];
}

/** Whether an IPv6 address embeds a public IPv4 address, and the range is IPv4. */
function isPublicWithin(address: Buffer, range: PeerRange): boolean {
  const inner = range.start.length === 4 ? embeddedOf(address)?.inner : undefined;
  return inner !== undefined && closedPeer(inner) === undefined;
}

const describe = ({ peer, kind }: ClosedPeer) => `${peer} (${kind})`;

/** Whether an address is the server's own according to the configuration. */
function isOwn(address: Buffer, configuration: Configuration): boolean {
  const named = configuration.settings
    .filter(({ name }) => name === 'relay-ip' || name === 'listening-ip')
    .flatMap(({ value }) => readRange(value) ?? []);
  return [...named, ...privateEnds(configuration).map(({ range }) => range)].some(({ start }) =>
    start.equals(address),
  );
}

/** The private ends of external-ip, which turnserver adds to the allowed peers. @see set_option(), case 'X' */
function privateEnds({ settings }: Configuration): (RangeSetting & { text: string })[] {
  return settings.flatMap((setting) => {
    const text = setting.name === 'external-ip' ? mappingOf(setting).inside : undefined;
    // It must be a single address.
    const range = text === undefined || text.includes('-') ? undefined : readRange(text);
    return text === undefined || range === undefined ? [] : [{ setting, range, text }];
  });
}

function openedByMapping({ setting, range, text }: RangeSetting & { text: string }): Finding {
  if (isUnlimited(range)) {
    const end = text === '' ? 'empty' : `${text}, which means no limit`;
    const message = `the private end of external-ip is ${end}: it permits every peer, denied ones included`;
    return finding('peer-allowed', 'error', setting, message);
  }
  const message = `clients may send to ${text}: all services on that address are exposed to them`;
  return finding('peer-allowed', 'warning', setting, message);
}
