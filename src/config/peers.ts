import type { PeerRange } from '../turn/peer-ranges.ts';
import { parseAddress } from '../turn/values.ts';
import { CLOSED_PEERS, type ClosedPeer, closedPeer, uniquePeers } from './closed-peers.ts';
import type { Configuration } from './configuration.ts';
import { type Finding, finding, type Level, type LintContext, type RuleId } from './finding.ts';
import { type Guards, guardsOf } from './guards.ts';
import { checkRange, readRange } from './range-syntax.ts';
import type { Setting } from './settings.ts';

/** Peers on the public internet: what every call goes to. */
const PUBLIC_PEERS = [
  '1.1.1.1',
  '20.0.3.2',
  '100.128.0.1',
  '172.32.0.1',
  '223.255.255.254',
  '2400:cb00::1',
  '2a00:1450::1',
].map((peer) => ({ peer, address: parseAddress(peer) }));
/** Ranges whose neighbours are looked at, too: more are a list of networks that nobody writes by hand. */
const MOST_RANGES = 2000;

/** What is wrong with the peer ranges, and which peers they forget. */
export function lintPeers(configuration: Configuration, context: LintContext): Finding[] {
  const { settings } = configuration;
  const found: Finding[] = [];
  const ranges = (name: string) =>
    settings
      .filter((setting) => setting.name === name && setting.value !== '')
      .flatMap((setting) => {
        found.push(...checkRange(setting, context.version));
        const range = readRange(setting.value);
        return range === undefined ? [] : [{ setting, range }];
      });
  const denied = ranges('denied-peer-ip');
  const allowed = ranges('allowed-peer-ip');
  // It serves no relays then.
  if (configuration.isOn('stun-only')) return found;
  const guards = guardsOf(context.version, configuration);
  const doubtful = found.some(({ rule }) => rule === 'invalid-range');
  found.push(
    ...forgotten(
      denied.map(({ range }) => range),
      guards,
      doubtful ? 'no valid' : 'no',
    ),
  );
  for (const { setting, range } of denied) {
    const held = PUBLIC_PEERS.find(({ address }) => guards.holds(range, address));
    if (held !== undefined)
      found.push(
        finding(
          'public-peer-denied',
          'warning',
          setting,
          `it denies ${held.peer}, which is on the public internet`,
        ),
      );
  }
  for (const { setting, range } of allowed) found.push(...opened(setting, range, guards));
  return [...found, ...lintExternalAddress(configuration)];
}

/** One finding for each kind of peer, and each way to write IPv4 as IPv6, that no range holds. */
function forgotten(ranges: readonly PeerRange[], guards: Guards, no: string): Finding[] {
  const neighbours =
    ranges.length > MOST_RANGES ? [] : ranges.flatMap(beside).flatMap((address) => closedPeer(address) ?? []);
  const peers = uniquePeers([...neighbours, ...CLOSED_PEERS]);
  const open = peers.filter(({ address }) => !ranges.some((range) => guards.holds(range, address)));
  const groups = new Map<string, { rule: RuleId; level: Level; kind: string; peers: string[] }>();
  for (const { peer, kind, address, level } of open) {
    const rule = guards.itself(address)
      ? 'single-guard'
      : level === 'error'
        ? 'peer-not-denied'
        : 'unroutable-peer';
    const key = `${rule} ${kind}`;
    const group = groups.get(key) ?? {
      rule,
      level: rule === 'single-guard' ? 'note' : level,
      kind,
      peers: [],
    };
    group.peers.push(peer);
    groups.set(key, group);
  }
  return [...groups.values()].map(({ rule, level, kind, peers: names }) =>
    finding(
      rule,
      level,
      undefined,
      rule === 'single-guard'
        ? `nothing but turnserver's own guard denies ${list(names)} (${kind})`
        : `${no} denied-peer-ip holds ${list(names)} (${kind})`,
    ),
  );
}

/** The addresses below and above a range: if anything beside it is forgotten, one of them is. */
function beside({ start, end }: PeerRange): Buffer[] {
  const step = (address: Buffer, by: bigint) => {
    const number = BigInt(`0x${address.toString('hex')}`) + by;
    const text = number.toString(16).padStart(address.length * 2, '0');
    return number < 0n || text.length > address.length * 2 ? [] : [Buffer.from(text, 'hex')];
  };
  return [...step(start, -1n), ...step(end, 1n)];
}

/** What an allowed range opens that is not the public internet. */
function opened(setting: Setting, range: PeerRange, guards: Guards): Finding[] {
  const ends = [range.start, range.end].flatMap((address) => closedPeer(address) ?? []);
  const closed = uniquePeers([...ends, ...CLOSED_PEERS]).filter(({ address }) =>
    guards.holds(range, address),
  );
  if (closed.length === 0) return [];
  const open = closed.filter(({ address }) => !guards.itself(address));
  const level = open.some((peer) => peer.level === 'error') ? 'error' : 'warning';
  const message = `it opens what is not the public internet: ${list(open.map(describe))}`;
  if (open.length > 0) return [finding('peer-allowed', level, setting, message)];
  const vain = `it opens nothing: turnserver refuses ${list(closed.map(describe))} all the same`;
  return [finding('peer-allowed', 'note', setting, vain)];
}

const describe = ({ peer, kind }: ClosedPeer) => `${peer} (${kind})`;

/** The address behind the slash becomes an allowed peer. @see set_option(), case 'X' */
function lintExternalAddress({ settings }: Configuration): Finding[] {
  return settings.flatMap((setting) => {
    const inside = setting.name === 'external-ip' ? setting.value.split('/')[1] : undefined;
    const range = inside === undefined ? undefined : readRange(inside);
    if (inside === undefined || range === undefined) return [];
    const message = `turnserver lets users reach ${inside}: whatever listens on that address has to be meant for them`;
    return [finding('peer-allowed', 'warning', setting, message)];
  });
}

/** Names in one finding. */
const NAMED = 4;

function list(names: readonly string[]): string {
  const rest = names.length > NAMED ? `, and ${names.length - NAMED} more` : '';
  return `${names.slice(0, NAMED).join(', ')}${rest}`;
}
