import { describe, expect, it } from 'vitest';
import { CLOSED_PEERS } from '../../../src/config/closed-peers.ts';
import { configurationOf } from '../../../src/config/configuration.ts';
import { guardsOf } from '../../../src/config/guards.ts';
import { readRange } from '../../../src/config/range-syntax.ts';
import { parseSettings } from '../../../src/config/settings.ts';
import { forbiddenPeers } from '../../../src/turn/forbidden-peers.ts';
import { parseAddress } from '../../../src/turn/values.ts';
import { CONTEXTS, forgottenFor, type KnownVersion } from '../../support/configurations.ts';

/** Those of these peers that a version with this configuration refuses. */
function refused(version: KnownVersion, lines: string, peers: readonly string[]): string[] {
  const settings = parseSettings(lines.replaceAll(';', '\n'));
  const guards = guardsOf(version, configurationOf(settings, CONTEXTS[version]));
  const ranges = settings.flatMap(({ name, value }) => (name === 'denied-peer-ip' ? [readRange(value)] : []));
  return peers.filter((peer) => {
    const address = parseAddress(peer);
    return (
      guards.itself(address) || ranges.some((range) => range !== undefined && guards.holds(range, address))
    );
  });
}

const all = forbiddenPeers([]).map(({ peer }) => peer);

// Those of the laboratory's peers that real servers refuse (403) without a denied-peer-ip.
describe('peers refused without denied-peer-ip', () => {
  it('are loopback and 0.0.0.0/8 in 4.6.1', () =>
    expect(refused('4.6.1', '', all)).toEqual([
      ...['127.0.0.1', '127.255.255.254', '0.0.0.0', '0.0.0.1', '::0.0.0.0', '::0.0.0.1', '::', '::1'],
    ]));

  it('include local ranges and their IPv6 encodings in 4.18.0', () => {
    const found = refused('4.18.0', '', all);
    expect(found).toEqual(
      expect.arrayContaining([
        '169.254.169.254',
        '::ffff:169.254.169.254',
        '64:ff9b::127.0.0.1',
        'fd00:ec2::254',
      ]),
    );
    for (const open of ['10.0.0.1', '192.0.0.192', '100.64.0.1', '::ffff:10.0.0.1', '224.0.0.1', 'ff02::1'])
      expect(found).not.toContain(open);
  });
});

describe('peers in a range', () => {
  const PEERS = [
    '10.0.0.1',
    '::ffff:10.0.0.1',
    '::10.0.0.1',
    '2002:a00:1::1',
    '64:ff9b::10.0.0.1',
    '2001:db8::1',
  ];
  it.each([
    ['4.6.1', 'denied-peer-ip=10.0.0.0-10.255.255.255', ['10.0.0.1']],
    ['4.18.0', 'denied-peer-ip=10.0.0.0-10.255.255.255', PEERS.slice(0, 5)],
    // A range without an upper end contains everything that sorts after its lower end, including IPv6.
    ['4.6.1', 'denied-peer-ip=192.0.0.0-', PEERS.slice(1)],
    ['4.18.0', 'denied-peer-ip=192.0.0.0-', ['2001:db8::1']],
    ['4.6.1', 'denied-peer-ip=-10.0.0.5', ['10.0.0.1']],
    ['4.18.0', 'denied-peer-ip=-10.0.0.5', PEERS.slice(0, 5)],
    // A range without a lower end contains IPv4. 4.18.0 maps embedded addresses only if a range starts in IPv4.
    ['4.6.1', 'denied-peer-ip=::-::ffff', ['10.0.0.1']],
    ['4.18.0', 'denied-peer-ip=::-::ffff', ['10.0.0.1']],
    ['4.6.1', 'denied-peer-ip=10.0.0.9-10.0.0.1', []],
    ['4.18.0', 'denied-peer-ip=192.168.0.1 - 0.0.0.0', ['2001:db8::1']],
  ] as const)('as %s reads it: %s', (version, lines, expected) =>
    expect(refused(version, lines, PEERS)).toEqual(expected),
  );
});

describe('the level of a reachable peer', () => {
  const level = (version: KnownVersion, text: string, peer: string) =>
    forgottenFor(version, text).find(({ peers }) => peers.includes(peer))?.level;
  it.each([
    ['4.6.1', '', '10.0.0.1', 'error'],
    ['4.6.1', '', '100.64.0.1', 'error'],
    ['4.6.1', '', '169.254.169.254', 'error'],
    ['4.18.0', '', '169.254.169.254', 'note'],
    ['4.6.1', '', 'fc00::1', 'error'],
    ['4.6.1', '', '::ffff:10.0.0.1', 'error'],
    ['4.6.1', '', '2002:a00:1::1', 'warning'],
    ['4.6.1', '', '192.0.2.1', 'warning'],
    ['4.6.1', '', '240.0.0.1', 'warning'],
    ['4.6.1', '', '198.18.0.1', 'warning'],
    ['4.6.1', '', '224.0.0.1', 'warning'],
    ['4.6.1', 'no-multicast-peers', '224.0.0.1', 'note'],
    ['4.6.1', '', '127.0.0.1', 'note'],
    ['4.6.1', 'allow-loopback-peers', '127.0.0.1', 'error'],
  ] as const)('%s "%s": %s is %s', (version, text, peer, expected) =>
    expect(level(version, text, peer)).toBe(expected),
  );

  it('is also given to peers between two ranges', () => {
    const holes = 'denied-peer-ip=10.0.0.0-10.99.255.255\ndenied-peer-ip=10.100.0.1-10.255.255.255';
    const peers = forgottenFor('4.6.1', holes).find(({ kind }) => kind === 'private (RFC 1918)')?.peers;
    expect(peers).toContain('10.100.0.0');
  });

  it('is known for more than 200 peers', () => expect(CLOSED_PEERS.length).toBeGreaterThan(200));
});
