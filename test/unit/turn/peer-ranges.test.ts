import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { forbiddenPeers, ODD_RANGES } from '../../../src/turn/forbidden-peers.ts';
import { inRange, parseRange } from '../../../src/turn/peer-ranges.ts';
import { parseAddress } from '../../../src/turn/values.ts';

const holds = (range: string, peer: string, comparison: 'number' | 'bytes') =>
  inRange(parseRange(range), parseAddress(peer), comparison);

describe('inRange', () => {
  it.each([
    ['10.0.0.0-10.255.255.255', '10.1.2.3', true, true],
    ['10.0.0.0-10.255.255.255', '11.0.0.0', false, false],
    ['20.0.9.5-20.0.9.77', '20.0.9.64', true, true],
    // All versions compare IPv4 addresses as numbers; the third byte here is above that of the upper end.
    ['20.0.9.5-20.1.0.0', '20.0.9.64', true, true],
    ['0.0.0.0-0.255.255.255', '0.0.0.0', true, true],
    ['0.0.0.0-0.255.255.255', '2600::1', false, false],
    ['192.0.2.1', '192.0.2.1', true, true],
    // A lower end of all zeros has no effect: every IPv4 address sorts below an IPv6 one.
    ['::-::ffff:ffff:ffff', '8.8.8.8', true, true],
    ['::1-::ffff:ffff:ffff', '8.8.8.8', false, false],
    // Byte by byte, a last byte of 0 is below 1.
    ['::1-::ffff:ffff:ffff', '::ffff:10.0.0.0', true, false],
    ['fc00::-fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff', 'fd00:ec2::254', true, true],
    ['2600::5:10-2600::7:5', '2600::6:80', true, false],
  ])('%s contains %s: %s by number, %s by bytes', (range, peer, byNumber, byBytes) => {
    expect(holds(range, peer, 'number')).toBe(byNumber);
    expect(holds(range, peer, 'bytes')).toBe(byBytes);
  });
});

describe('the shipped configuration', () => {
  const conf = readFileSync(
    new URL('../../../recipes/packaging/common/turnserver.conf', import.meta.url),
    'utf8',
  );
  const ranges = [...conf.matchAll(/^denied-peer-ip=(.*)$/gm)].map((match) => parseRange(match[1] ?? ''));
  const denied = (peer: Buffer, comparison: 'number' | 'bytes') =>
    ranges.some((range) => inRange(range, peer, comparison));

  it.each(['number', 'bytes'] as const)(
    'denies everything outside 2000::/3, compared by %s',
    (comparison) => {
      for (let first = 0; first < 256; first++) {
        for (const rest of [0, 1, 0x7f, 0xff]) {
          const peer = Buffer.alloc(16, rest);
          peer[0] = first;
          if (peer.every((byte) => byte === 0)) continue;
          // 2000::, 2001:1 and so on are assigned for protocols; their neighbours are the internet.
          if (first >= 0x20 && first < 0x40) continue;
          expect(denied(peer, comparison), peer.toString('hex')).toBe(true);
        }
      }
      // One non-zero byte at any position, followed by zeros: a comparison byte by byte misses this most easily.
      for (let at = 0; at < 16; at++) {
        const peer = Buffer.alloc(16);
        peer[at] = 1;
        expect(denied(peer, comparison), peer.toString('hex')).toBe(true);
      }
    },
  );

  it.each(['number', 'bytes'] as const)('denies every forbidden peer, compared by %s', (comparison) => {
    const peers = [...new Set(forbiddenPeers(['10.77.2.2']).map(({ peer }) => peer))];
    expect(peers.length).toBeGreaterThanOrEqual(60);
    // turnserver itself refuses the address of all zeros; the laboratory adds the lines for the odd ranges.
    const open = peers.filter((peer) => !denied(parseAddress(peer), comparison));
    expect(open).toEqual(['::0.0.0.0', '::', ...ODD_RANGES.inside]);
  });

  it('allows the public internet', () => {
    for (const peer of ['8.8.8.8', '100.63.255.255', '2001:200::1', '2a00:1450:4001::1', '3ffe::1'])
      expect(denied(parseAddress(peer), 'bytes'), peer).toBe(false);
  });
});
