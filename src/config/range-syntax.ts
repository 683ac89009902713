import { isIP, isIPv4 } from 'node:net';
import { versionIn } from '../recipe/coturn-version.ts';
import type { PeerRange } from '../turn/peer-ranges.ts';
import { parseAddress } from '../turn/values.ts';
import { type Finding, finding } from './finding.ts';
import type { Setting } from './settings.ts';

/**
 * A range as turnserver reads it: cut at the first dash, spaces around an end don't count, and an end that is missing is
 * 0.0.0.0, which is no limit. undefined where an end is no address. @see coturn, netengine.c, add_ip_list_range()
 */
export function readRange(text: string): PeerRange | undefined {
  const [start = '', end = start] = endsOf(text);
  if (![start, end].every(isEnd)) return undefined;
  const address = (end: string) => parseAddress(end === '' ? '0.0.0.0' : end);
  return { start: address(start), end: address(end) };
}

/** What is wrong with a range that is not empty. */
export function checkRange(setting: Setting, version: string): Finding[] {
  const { name, value } = setting;
  const ends = endsOf(value);
  const range = readRange(value);
  if (range === undefined) return [finding('invalid-range', 'error', setting, malformed(setting, version))];
  if (ends.includes(''))
    return [
      finding('open-range', 'error', setting, `${value} has no ${ends[0] === '' ? 'lower' : 'upper'} end`),
    ];
  const { start, end } = range;
  const found: Finding[] = [];
  const zero = (address: Buffer) => address.every((byte) => byte === 0);
  if (zero(end))
    found.push(finding('open-range', 'error', setting, `${value} holds all that follows, without an end`));
  else if (start.length !== end.length || Buffer.compare(start, end) > 0)
    found.push(finding('inverted-range', 'error', setting, `${value} ends before it begins`));
  if (start.length === 16 && zero(start))
    found.push(finding('open-range', 'error', setting, `${name}=${value} holds every IPv4 address, too`));
  return found;
}

function malformed({ value }: Setting, version: string): string {
  const bad = endsOf(value).find((end) => !isEnd(end)) ?? value;
  const [address = '', bits] = bad.split('/');
  if (bits !== undefined && isIP(address) !== 0)
    return `"${value}" is a CIDR range, which turnserver does not read${cidrHint(address, bits)}`;
  if (isIPv4(bad.split('-')[0] ?? '') && bad.includes('-')) return `"${value}" has more than two ends`;
  const strict = versionIn(version, '>=4.11.0') ? ', and does not start if there is none' : '';
  return /^[a-z][\w.-]*$/i.test(bad)
    ? `"${bad}" is no IP address: turnserver asks for a host of that name when it starts${strict}`
    : `"${bad}" is no IP address`;
}

/** The range of an IPv4 CIDR, for people to copy. */
function cidrHint(address: string, bits: string): string {
  if (!isIPv4(address) || !/^\d{1,2}$/.test(bits) || Number(bits) > 32) return '';
  const size = 2 ** (32 - Number(bits));
  const start = Math.floor(parseAddress(address).readUInt32BE() / size) * size;
  const text = (number: number) => [24, 16, 8, 0].map((shift) => (number >>> shift) & 0xff).join('.');
  return `: write ${text(start)}-${text(start + size - 1)}`;
}

function endsOf(text: string): string[] {
  const dash = text.indexOf('-');
  const ends = dash < 0 ? [text] : [text.slice(0, dash), text.slice(dash + 1)];
  return ends.map((end) => end.replace(/^ +| +$/g, ''));
}

/** A zone (fe80::1%eth0) is none of a range's. */
const isEnd = (text: string) => text === '' || (isIP(text) !== 0 && !text.includes('%'));
