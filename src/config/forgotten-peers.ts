import type { PeerRange } from '../turn/peer-ranges.ts';
import { CLOSED_PEERS, closedPeer, uniquePeers } from './closed-peers.ts';
import { type Finding, finding, type Level, type RuleId } from './finding.ts';
import type { Guards } from './guards.ts';

/** Maximum ranges whose neighbours are checked. Longer lists are generated, not written by hand. */
const MOST_RANGES = 2000;

/** Peers of one kind that no range covers. */
export interface Forgotten {
  rule: RuleId;
  level: Level;
  kind: string;
  peers: string[];
}

/** Groups the uncovered peers by rule and kind, including each IPv6 encoding of IPv4. */
export function forgotten(ranges: readonly PeerRange[], guards: Guards): Forgotten[] {
  const neighbours =
    ranges.length > MOST_RANGES ? [] : ranges.flatMap(beside).flatMap((address) => closedPeer(address) ?? []);
  const peers = uniquePeers([...neighbours, ...CLOSED_PEERS]);
  const open = peers.filter(({ address }) => !ranges.some((range) => guards.holds(range, address)));
  const groups = new Map<string, Forgotten>();
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
  return [...groups.values()];
}

/** Creates findings for forgotten peers: one for each kind, or a single one if a whole block is missing. */
export function describeForgotten(groups: readonly Forgotten[], no: string): Finding[] {
  const byRule = new Map<RuleId, Forgotten[]>();
  for (const group of groups) byRule.set(group.rule, [...(byRule.get(group.rule) ?? []), group]);
  return [...byRule.values()].flatMap((of) =>
    of.length > SINGLY ? [together(of, no)] : of.map((group) => singly(group, no)),
  );
}

/** Maximum kinds per rule that are reported separately. More of them mean that a block is missing. */
const SINGLY = 3;

function singly({ rule, level, kind, peers }: Forgotten, no: string): Finding {
  const what = `${list(peers)} (${kind})`;
  const message =
    rule === 'single-guard'
      ? `only turnserver's built-in guard denies ${what}`
      : `${no} denied-peer-ip covers ${what}`;
  return finding(rule, level, undefined, message);
}

function together(groups: readonly Forgotten[], no: string): Finding {
  const [{ rule, level }] = groups as [Forgotten];
  const what = list(
    groups.map(({ kind, peers }) => `${kind} such as ${peers[0]}`),
    3,
  );
  const message =
    rule === 'single-guard'
      ? `only turnserver's built-in guards deny ${what}`
      : `${no} denied-peer-ip covers ${what}`;
  return finding(rule, level, undefined, message);
}

/** The addresses directly below and above a range. If a gap adjoins the range, it contains one of them. */
function beside({ start, end }: PeerRange): Buffer[] {
  const step = (address: Buffer, by: bigint) => {
    const number = BigInt(`0x${address.toString('hex')}`) + by;
    const text = number.toString(16).padStart(address.length * 2, '0');
    return number < 0n || text.length > address.length * 2 ? [] : [Buffer.from(text, 'hex')];
  };
  return [...step(start, -1n), ...step(end, 1n)];
}

/** Maximum names in one finding. */
const NAMED = 4;

export function list(names: readonly string[], most = NAMED): string {
  const rest = names.length > most ? `, and ${names.length - most} more` : '';
  return `${names.slice(0, most).join(', ')}${rest}`;
}
