import { isIP, isIPv4 } from 'node:net';
import { versionIn } from '../recipe/coturn-version.ts';
import type { PeerRange } from '../turn/peer-ranges.ts';
import { parseAddress } from '../turn/values.ts';
import { type Finding, finding } from './finding.ts';
import type { Setting } from './settings.ts';

/** Releases that exit at an invalid range. */
const STRICT_RANGES = '>=4.11.0';

/**
 * Parses a range like turnserver: splits at the first dash, ignores spaces around an end, and reads a missing end as 0.0.0.0, which means no
 * limit. Returns undefined if an end is not an address. @see coturn, netengine.c, add_ip_list_range()
 */
export function readRange(text: string): PeerRange | undefined {
  const [start = '', end = start] = endsOf(text);
  if (![start, end].every(isEnd)) return undefined;
  const address = (end: string) => parseAddress(end === '' ? '0.0.0.0' : (shortAddress(end) ?? end));
  return { start: address(start), end: address(end) };
}

/** Whether a range contains every IPv4 address: each end is unlimited, or the lowest or highest address. */
export function isEverything({ start, end }: PeerRange): boolean {
  const last = (address: Buffer) =>
    isZero(address) || address.length === 16 || address.every((byte) => byte === 0xff);
  return isZero(start) && last(end);
}

/** Whether a range has no limits, so that it contains every address of both families. */
export function isUnlimited({ start, end }: PeerRange): boolean {
  return isZero(start) && isZero(end);
}

const isZero = (address: Buffer) => address.every((byte) => byte === 0);

/**
 * Checks the syntax of a range.
 * @param everything whether an IPv4 range already denies all of IPv4, so that a range that also contains it is harmless
 */
export function checkRange(setting: Setting, version: string, everything: boolean): Finding[] {
  const { name, value } = setting;
  if (value === '') return [emptyRange(setting)];
  const ends = endsOf(value);
  const range = readRange(value);
  if (range === undefined) {
    const effect = versionIn(version, STRICT_RANGES) ? 'fatal' : undefined;
    return [finding('invalid-range', 'error', setting, malformed(setting, version), effect)];
  }
  if (ends.includes('')) {
    const message = `${value} has no ${ends[0] === '' ? 'lower' : 'upper'} end`;
    return [finding('open-range', 'error', setting, message)];
  }
  const { start, end } = range;
  const found: Finding[] = [];
  const short = ends.find((end) => shortAddress(end) !== undefined);
  if (short !== undefined)
    found.push(
      finding('invalid-range', 'error', setting, `turnserver reads "${short}" as ${shortAddress(short)}`),
    );
  if (isZero(end))
    found.push(
      finding('open-range', 'error', setting, `${value} has no upper end: it covers all higher addresses`),
    );
  else if (start.length !== end.length || Buffer.compare(start, end) > 0)
    found.push(finding('inverted-range', 'error', setting, `the end of ${value} is below its start`));
  // If an IPv4 range deliberately denies all of IPv4, this one adds nothing.
  if (start.length === 16 && isZero(start) && !(everything && name === 'denied-peer-ip'))
    found.push(finding('open-range', 'error', setting, `${name}=${value} also covers every IPv4 address`));
  return found;
}

/** An empty range is usually an unset template variable. turnserver reads it as 0.0.0.0, which means no limit. */
function emptyRange(setting: Setting): Finding {
  return setting.name === 'allowed-peer-ip'
    ? finding(
        'peer-allowed',
        'error',
        setting,
        'allowed-peer-ip is empty: it permits every peer, denied ones included',
      )
    : finding('public-peer-denied', 'error', setting, 'denied-peer-ip is empty: it denies every peer');
}

function malformed({ value }: Setting, version: string): string {
  const bad = endsOf(value).find((end) => !isEnd(end)) ?? value;
  const [address = '', bits] = bad.split('/');
  if (bits !== undefined && isIP(address) !== 0)
    return `"${value}" is a CIDR range, which turnserver does not support${cidrHint(address, bits)}`;
  if (isIPv4(bad.split('-')[0] ?? '') && bad.includes('-')) return `"${value}" must have exactly two ends`;
  const strict = versionIn(version, STRICT_RANGES) ? ' and fails to start if there is none' : '';
  return /^[a-z][\w.-]*$/i.test(bad)
    ? `"${bad}" is not an IP address: turnserver looks up a host of that name when it starts${strict}`
    : `"${bad}" is not an IP address`;
}

/** The range of an IPv4 CIDR, for the user to copy. */
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

/** Whether turnserver accepts a text as the end of a range. Zones (fe80::1%eth0) are not allowed. */
const isEnd = (text: string) =>
  text === '' || (isIP(text) !== 0 && !text.includes('%')) || shortAddress(text) !== undefined;

/**
 * Parses an IPv4 address in a legacy notation that getaddrinfo(3) accepts: fewer than four numbers, of which the last one covers the remaining
 * bytes, or octal and hexadecimal numbers. Returns undefined for the usual notation and for invalid addresses. @see inet_aton(3)
 */
export function shortAddress(text: string): string | undefined {
  if (isIP(text) !== 0 || !/^(0x[0-9a-f]+|\d+)(\.(0x[0-9a-f]+|\d+)){0,3}$/i.test(text)) return undefined;
  const numbers = text
    .split('.')
    .map((part) => (/^0\d/.test(part) ? Number(`0o${part.slice(1)}`) : Number(part)));
  const last = numbers.pop() ?? 0;
  const room = 4 - numbers.length;
  if (numbers.some((number) => !(number <= 255)) || !(last < 256 ** room)) return undefined;
  const rest = Array.from({ length: room }, (_, index) => Math.floor(last / 256 ** (room - 1 - index)) % 256);
  return [...numbers, ...rest].join('.');
}
