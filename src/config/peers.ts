import { versionIn } from '../recipe/coturn-version.ts';
import { forbiddenPeers, NOT_PUBLIC } from '../turn/forbidden-peers.ts';
import { inRange, type PeerRange, parseRange } from '../turn/peer-ranges.ts';
import { parseAddress } from '../turn/values.ts';
import { type Finding, finding, type LintContext } from './finding.ts';
import { isOn, type Setting } from './settings.ts';

/** Peers on the public internet: what every call goes to. */
const PUBLIC_PEERS = [
  '1.1.1.1',
  '20.0.3.2',
  '100.128.0.1',
  '172.32.0.1',
  '223.255.255.254',
  '2400:cb00::1',
  '2a00:1450::1',
];

type Comparison = 'number' | 'bytes';

/** Before 4.16 each byte of an IPv6 address was compared for itself (CVE-2026-73213). */
function comparisonsOf(version: string): Comparison[] {
  return versionIn(version, '<4.16.0') ? ['number', 'bytes'] : ['number'];
}

/** What is wrong with the peer ranges, and which peers they forget. */
export function lintPeers(settings: readonly Setting[], context: LintContext): Finding[] {
  const found: Finding[] = [];
  const ranges = (name: string) =>
    settings
      .filter((setting) => setting.name === name && setting.value !== '')
      .flatMap((setting) => {
        const range = readRange(setting, found);
        return range === undefined ? [] : [{ setting, range }];
      });
  const denied = ranges('denied-peer-ip').map(({ range }) => range);
  const allowed = ranges('allowed-peer-ip');
  const guards = {
    loopback: !isOn(settings, 'allow-loopback-peers'),
    multicast: isOn(settings, 'no-multicast-peers'),
  };
  for (const comparison of comparisonsOf(context.version)) {
    found.push(...forgotten(denied, comparison, guards), ...tooMuch(denied, comparison));
  }
  for (const { setting, range } of allowed) {
    const closed = CLOSED.find((each) => overlap(each.range, range));
    if (closed !== undefined)
      found.push(
        finding('peer-allowed', 'error', setting, `it opens what is not the public internet: ${closed.text}`),
      );
  }
  return unique(found);
}

const parsed = (peer: string, kind: string) => ({ peer, kind, address: parseAddress(peer) });
/** Without a rule of its own: turnserver itself refuses the address of all zeros. */
const FORBIDDEN = forbiddenPeers([])
  .filter(({ kind }) => !kind.includes('no prefix'))
  .map(({ peer, kind }) => parsed(peer, kind))
  .filter(({ address }) => !address.equals(Buffer.alloc(16)));
const PUBLIC = PUBLIC_PEERS.map((peer) => parsed(peer, 'public'));
const CLOSED = NOT_PUBLIC.map((text) => ({ text, range: parseRange(text) }));

/** Whether two ranges have an address in common, by number. */
function overlap(a: PeerRange, b: PeerRange): boolean {
  const below = (x: Buffer, y: Buffer) => Buffer.compare(x, y) <= 0;
  return a.start.length === b.start.length && below(a.start, b.end) && below(b.start, a.end);
}

function readRange(setting: Setting, found: Finding[]): PeerRange | undefined {
  try {
    const range = parseRange(setting.value);
    const { start, end } = range;
    if (start.length !== end.length || Buffer.compare(start, end) > 0)
      found.push(finding('inverted-range', 'error', setting, `${setting.value} ends before it begins`));
    if (start.length === 16 && start.every((byte) => byte === 0))
      found.push(
        finding('range-without-start', 'error', setting, `${setting.value} holds every IPv4 address`),
      );
    return range;
  } catch {
    found.push(
      finding('invalid-range', 'error', setting, `"${setting.value}" is not START-END of two IP addresses`),
    );
    return undefined;
  }
}

/** Peers named in one finding. */
const NAMED = 4;

/** One finding for each kind of peer, and each way to write IPv4 as IPv6, that no range holds. */
function forgotten(ranges: readonly PeerRange[], comparison: Comparison, guards: Guards): Finding[] {
  const open = FORBIDDEN.filter(
    ({ address }) => !ranges.some((range) => inRange(range, address, comparison)),
  );
  const groups = new Map<string, { rule: 'peer-not-denied' | 'single-guard'; peers: string[] }>();
  for (const { peer, kind, address } of open) {
    const rule = isGuarded(address, guards) ? 'single-guard' : 'peer-not-denied';
    const [plain = '', encoding] = kind.split(', ');
    const name = `${rule} ${encoding === undefined ? plain : `${encoding} addresses of the like`}`;
    const group = groups.get(name) ?? { rule, peers: [] };
    group.peers.push(peer);
    groups.set(name, group);
  }
  return [...groups].map(([name, { rule, peers }]) => {
    const rest = peers.length > NAMED ? `, and ${peers.length - NAMED} more` : '';
    const which = `${peers.slice(0, NAMED).join(', ')}${rest} (${name.slice(rule.length + 1)})`;
    return rule === 'single-guard'
      ? finding(rule, 'note', undefined, `nothing but turnserver's own guard denies ${which}`)
      : finding(rule, 'error', undefined, `no denied-peer-ip holds ${which}`);
  });
}

/** What turnserver refuses by itself. */
interface Guards {
  loopback: boolean;
  multicast: boolean;
}

/** @see coturn, src/client/ns_turn_ioaddr.c: ioa_addr_is_loopback() and ioa_addr_is_multicast(), which takes all above 223 */
function isGuarded(address: Buffer, { loopback, multicast }: Guards): boolean {
  const first = address[0] ?? 0;
  const isLoopback = address.length === 4 ? first === 127 : address.equals(LOOPBACK);
  const isMulticast = address.length === 4 ? first > 223 : first === 255;
  return (loopback && isLoopback) || (multicast && isMulticast);
}

const LOOPBACK = parseAddress('::1');

function tooMuch(ranges: readonly PeerRange[], comparison: Comparison): Finding[] {
  const denied = PUBLIC.filter(({ address }) => ranges.some((range) => inRange(range, address, comparison)));
  return denied.map(({ peer }) =>
    finding(
      'public-peer-denied',
      'error',
      undefined,
      `a denied-peer-ip holds ${peer}, which is on the public internet`,
    ),
  );
}

/** Both comparisons find mostly the same. */
function unique(found: readonly Finding[]): Finding[] {
  return [...new Map(found.map((each) => [`${each.line} ${each.rule} ${each.message}`, each])).values()];
}
