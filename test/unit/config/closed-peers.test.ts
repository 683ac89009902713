import { describe, expect, it } from 'vitest';
import { closedPeer, embeddedOf } from '../../../src/config/closed-peers.ts';
import { parseAddress } from '../../../src/turn/values.ts';

describe('a peer outside the public internet', () => {
  it.each([
    ['0.0.0.0', 'error 0.0.0.0: this host, this network (RFC 1122)'],
    ['::1', 'error ::1: loopback'],
    ['::ffff:10.0.0.1', 'error ::ffff:10.0.0.1: non-public IPv4 encoded as IPv4-mapped'],
    ['64:ff9b::10.0.0.1', 'error 64:ff9b::10.0.0.1: non-public IPv4 encoded as NAT64'],
    ['64:ff9b::192.0.2.1', 'warning 64:ff9b::192.0.2.1: non-public IPv4 encoded as NAT64'],
    ['::10.0.0.1', 'warning ::10.0.0.1: non-public IPv4 encoded as IPv4-compatible'],
    ['2002:a00:1::1', 'warning 2002:a00:1::1: non-public IPv4 encoded as 6to4'],
    ['2002:808:808::1', 'warning 2002:808:808::1: 6to4 (RFC 3056)'],
    ['::ffff:8.8.8.8', 'warning ::ffff:808:808: below 2000::/3 (RFC 4291)'],
    ['1fff::1', 'warning 1fff::1: below 2000::/3 (RFC 4291)'],
    ['4000::1', 'warning 4000::1: not assigned (RFC 4291)'],
  ])('has a level and a kind: %s', (address, text) => {
    const found = closedPeer(parseAddress(address));
    expect(`${found?.level} ${found?.peer}: ${found?.kind}`).toBe(text);
  });

  it.each(['8.8.8.8', '32.2.10.1', '2600::1', '::'])('is not %s', (address) =>
    expect(closedPeer(parseAddress(address))).toBeUndefined(),
  );
});

describe('an embedded IPv4 address', () => {
  it.each([
    ['2002:a00:1::1', '6to4'],
    ['::ffff:10.0.0.1', 'IPv4-mapped'],
    ['64:ff9b::10.0.0.1', 'NAT64'],
    ['::10.0.0.1', 'IPv4-compatible'],
  ])('is found in %s', (address, name) =>
    expect(embeddedOf(parseAddress(address))).toMatchObject({ name, inner: parseAddress('10.0.0.1') }),
  );

  // 32.2.0.0 has the same first bytes as a 6to4 address.
  it.each(['32.2.10.1', '::1', '2600::1'])('is absent from %s', (address) =>
    expect(embeddedOf(parseAddress(address))).toBeUndefined(),
  );
});
