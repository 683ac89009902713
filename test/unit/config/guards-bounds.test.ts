import { describe, expect, it } from 'vitest';
import { configurationOf } from '../../../src/config/configuration.ts';
import { guardsOf } from '../../../src/config/guards.ts';
import { readRange } from '../../../src/config/range-syntax.ts';
import { parseSettings } from '../../../src/config/settings.ts';
import { parseAddress } from '../../../src/turn/values.ts';
import { CONTEXTS } from '../../support/configurations.ts';

// Addresses on both sides of each bound. Options of 4.18.0, with which every version can be asked.

const guards = (version: string, text = '') =>
  guardsOf(version, configurationOf(parseSettings(text), { ...CONTEXTS['4.18.0'], version }));
const refuses = (version: string, peer: string, text = '') =>
  guards(version, text).itself(parseAddress(peer));

describe('built-in guards', () => {
  it.each([
    ['223.255.255.255', false],
    ['224.0.0.0', true],
    ['255.255.255.255', true],
    ['2001:4860::1', false],
    ['fe00::1', false],
    ['ff00::', true],
  ])('of no-multicast-peers refuse %s: %s', (peer, expected) => {
    expect(refuses('4.18.0', peer, 'no-multicast-peers')).toBe(expected);
    expect(refuses('4.18.0', peer)).toBe(false);
  });

  it.each([
    ['169.253.255.255', false],
    ['169.254.0.0', true],
    ['169.255.0.0', false],
    ['168.254.0.0', false],
    ['fbff::', false],
    ['fc00::', true],
    ['fdff::1', true],
    ['fe00::', false],
    ['fe7f:ffff::', false],
    ['fe80::', true],
    ['feff::1', true],
    ['2080::1', false],
  ])('refuse %s as local from 4.13.1 on: %s', (peer, expected) => {
    expect(refuses('4.13.1', peer)).toBe(expected);
    expect(refuses('4.13.0', peer)).toBe(false);
  });

  it.each([
    ['126.255.255.255', false],
    ['127.0.0.0', true],
    ['128.0.0.0', false],
    ['::1', true],
    ['::2', false],
    ['0.255.255.255', true],
    ['1.0.0.0', false],
    ['::', true],
  ])('refuse %s in every version: %s', (peer, expected) => expect(refuses('4.6.1', peer)).toBe(expected));

  it.each([
    ['127.0.0.1', false],
    ['::1', false],
    ['0.0.0.0', true],
    ['::', true],
  ])('refuse %s with allow-loopback-peers: %s', (peer, expected) =>
    expect(refuses('4.6.1', peer, 'allow-loopback-peers')).toBe(expected),
  );
});

describe('an IPv4 range', () => {
  const range = readRange('10.0.0.0-10.255.255.255');
  const holds = (version: string, peer: string) =>
    range !== undefined && guards(version).holds(range, parseAddress(peer));

  it.each([
    ['4.8.0', []],
    ['4.9.0', ['::ffff:10.0.0.1']],
    ['4.13.0', ['::ffff:10.0.0.1']],
    ['4.13.1', ['::ffff:10.0.0.1', '64:ff9b::10.0.0.1', '2002:a00:1::1']],
  ])('of %s contains %j of the IPv6 forms of an address', (version, expected) => {
    const forms = ['::ffff:10.0.0.1', '64:ff9b::10.0.0.1', '2002:a00:1::1', '2001:4860::1'];
    expect(forms.filter((peer) => holds(version, peer))).toEqual(expected);
    expect(holds(version, '10.0.0.1')).toBe(true);
    expect(holds(version, '11.0.0.1')).toBe(false);
  });
});
