import { isIP } from 'node:net';
import type { PeerRange } from '../../turn/peer-ranges.ts';
import { formatAddress, parseAddress } from '../../turn/values.ts';
import type { Json } from './json.ts';
import type { Reader } from './reader.ts';

/** A network in CIDR notation; the address may have bits beyond the prefix. */
interface Network {
  address: Buffer;
  bits: number;
}

/**
 * What `allowedPeers` must not open, because turnserver lets them override denied ones: the machine itself, its link, and the clouds'
 * metadata services.
 */
export const CLOSED: readonly string[] = [
  ...['0.0.0.0/8', '127.0.0.0/8', '169.254.0.0/16', '224.0.0.0/3'],
  ...['::/8', 'fe80::/10', 'ff00::/8', 'fd00:ec2::254/128', 'fd20:ce::254/128'],
];

/** Reports invalid ranges of peers, and those that overlap a closed network. */
export function checkPeers(r: Reader, path: string, json: Json, closed: readonly string[]): void {
  const ranges = listOf(r, path, json).flatMap(({ value }, index) => {
    const item = `${path}[${index}]`;
    if (typeof value !== 'string') {
      r.report(item, 'must be a string');
      return [];
    }
    const range = parsePeers(value, closed);
    if (typeof range !== 'string') return [range];
    r.wrong(item, value, range);
    return [];
  });
  for (const range of ranges) {
    const problem = closedProblem(range, closed);
    if (problem !== undefined) r.wrong(path, textOf(range), problem);
  }
}

/** Reports invalid networks. */
export function checkNetworks(r: Reader, path: string, json: Json, onlyIPv4: boolean): void {
  const list = listOf(r, path, json);
  if (Array.isArray(json.value) && list.length === 0) r.report(path, 'must have at least one network');
  for (const [index, { value }] of list.entries()) {
    const item = `${path}[${index}]`;
    const problem = typeof value === 'string' ? networkProblem(value, onlyIPv4) : undefined;
    if (typeof value !== 'string')
      r.report(item, `must be a network such as "10.0.0.0/8", not ${kindOf(value)}`);
    else if (problem !== undefined) r.wrong(item, value, problem);
  }
}

/** The type of a JSON value. */
function kindOf(value: Exclude<Json['value'], string>): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'a list';
  return value instanceof Map ? 'an object' : `a ${typeof value}`;
}

function networkProblem(text: string, onlyIPv4: boolean): string | undefined {
  const network = parseNetwork(text);
  if (network === undefined || isMapped(network.address)) return 'must be a network such as "10.0.0.0/8"';
  if (onlyIPv4 && network.address.length !== 4)
    return 'must be an IPv4 network, because metrics are served on the private IPv4 address';
  const masked = rangeOf(network).start;
  return masked.equals(network.address)
    ? undefined
    : `has bits beyond the prefix; write "${formatAddress(masked)}/${network.bits}"`;
}

function listOf(r: Reader, path: string, { value }: Json): Json[] {
  if (Array.isArray(value)) return value;
  r.report(path, 'must be a list of strings');
  return [];
}

/** Parses an address or FIRST-LAST. @returns the range, or what is wrong with it */
function parsePeers(text: string, closed: readonly string[]): PeerRange | string {
  const network = parseNetwork(text);
  if (network !== undefined) {
    const whole = withoutMapping(rangeOf(network));
    // The range that the message suggests must be acceptable itself.
    return (
      rangeProblem(whole) ??
      closedProblem(whole, closed) ??
      `turnserver takes ranges, not prefixes; write "${textOf(whole)}"`
    );
  }
  const dash = text.indexOf('-');
  const [first, last] = dash < 0 ? [text, text] : [text.slice(0, dash), text.slice(dash + 1)];
  if (!isAddress(first) || !isAddress(last)) return 'must be an address or FIRST-LAST';
  const range = { start: parseAddress(first), end: parseAddress(last) };
  return rangeProblem(range) ?? range;
}

/** What is wrong with a range of these addresses. */
function rangeProblem({ start, end }: PeerRange): string | undefined {
  if (isMapped(start) || isMapped(end)) return 'write the IPv4 address without ::ffff:';
  if (start.length !== end.length) return 'the first and the last address are of different families';
  if (Buffer.compare(start, end) > 0) return 'the first address is greater than the last';
  // Older versions read "::" as "no lower bound" and then match all of IPv4.
  return start.equals(Buffer.alloc(16)) ? 'must not begin at ::' : undefined;
}

/** Which closed network a range overlaps. */
function closedProblem(range: PeerRange, closed: readonly string[]): string | undefined {
  const found = closed.find((text) => overlaps(range, text));
  return found === undefined ? undefined : `must not include addresses of ${found}`;
}

/** IPv4-mapped addresses as IPv4 addresses. */
function withoutMapping(range: PeerRange): PeerRange {
  const { start, end } = range;
  return isMapped(start) && isMapped(end) ? { start: start.subarray(12), end: end.subarray(12) } : range;
}

/** Whether a text is an IP address. Zones (fe80::1%eth0) are not allowed. */
const isAddress = (text: string) => isIP(text) !== 0 && !text.includes('%');

/** Whether an address is an IPv4-mapped IPv6 one, such as ::ffff:10.0.0.1. */
const isMapped = (address: Buffer) =>
  address.length === 16 && address.readUIntBE(0, 6) === 0 && address.readUIntBE(6, 6) === 0xffff;

function parseNetwork(text: string): Network | undefined {
  const slash = text.lastIndexOf('/');
  const [address, bits] = [text.slice(0, Math.max(0, slash)), text.slice(slash + 1)];
  if (!isAddress(address) || !/^(0|[1-9]\d*)$/.test(bits)) return undefined;
  const network = { address: parseAddress(address), bits: Number(bits) };
  return network.bits <= network.address.length * 8 ? network : undefined;
}

function rangeOf({ address, bits }: Network): PeerRange {
  /** The bits of a byte that belong to the prefix. */
  const mask = (index: number) => 0xff00 >> Math.min(8, Math.max(0, bits - index * 8));
  return {
    start: Buffer.from(address.map((byte, index) => byte & mask(index))),
    end: Buffer.from(address.map((byte, index) => (byte & mask(index)) | (~mask(index) & 0xff))),
  };
}

function overlaps({ start, end }: PeerRange, text: string): boolean {
  const network = rangeOf(parseNetwork(text) as Network);
  return (
    start.length === network.start.length &&
    Buffer.compare(start, network.end) <= 0 &&
    Buffer.compare(network.start, end) <= 0
  );
}

/** The form that turnserver.conf takes. */
function textOf({ start, end }: PeerRange): string {
  return start.equals(end) ? formatAddress(start) : `${formatAddress(start)}-${formatAddress(end)}`;
}
