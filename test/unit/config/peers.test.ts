import { describe, expect, it } from 'vitest';
import { configurationOf } from '../../../src/config/configuration.ts';
import { lintPeers, permits } from '../../../src/config/peers.ts';
import { parseSettings } from '../../../src/config/settings.ts';
import { NOT_PUBLIC } from '../../../src/turn/forbidden-peers.ts';
import { parseAddress } from '../../../src/turn/values.ts';
import { CONTEXTS } from '../../support/configurations.ts';

const context = CONTEXTS['4.18.0'];
const configuration = (lines: string[]) => configurationOf(parseSettings(lines.join('\n')), context);
/** Denies everything outside the public internet. An IPv6 range that begins at all zeros also contains IPv4. */
const DENIED = NOT_PUBLIC.map((text) => `denied-peer-ip=${text.replace(/^::-/, '::1-')}`);
const findings = (...lines: string[]) =>
  lintPeers(configuration(lines), context).map(
    ({ line, level, rule, message }) => `${line ?? '-'} ${level} ${rule}: ${message}`,
  );
/** Findings about these lines before the denied ranges. */
const lint = (...lines: string[]) => findings(...lines, ...DENIED);
const rules = (...lines: string[]) => findings(...lines).map((text) => text.replace(/:.*/, ''));
const OUTSIDE = 'it permits peers outside the public internet';

describe('a client', () => {
  const may = (peer: string, ...lines: string[]) =>
    permits(configuration(lines), context)(parseAddress(peer));

  it('may send to any peer that nothing denies', () => expect(may('10.0.0.1')).toBe(true));

  it('may not send to a peer in one of the denied ranges, but to all others', () => {
    const lines = ['denied-peer-ip=10.0.0.0-10.0.0.9', 'denied-peer-ip=10.0.1.0-10.0.1.9'];
    expect(['10.0.0.1', '10.0.1.1', '10.0.2.1'].map((peer) => may(peer, ...lines))).toEqual([
      false,
      false,
      true,
    ]);
  });

  it('may send to a denied peer that is allowed', () => {
    const lines = [
      'denied-peer-ip=10.0.0.0-10.0.0.9',
      'allowed-peer-ip=10.0.0.2',
      'allowed-peer-ip=10.0.0.3',
    ];
    expect(['10.0.0.1', '10.0.0.2', '10.0.0.3'].map((peer) => may(peer, ...lines))).toEqual([
      false,
      true,
      true,
    ]);
  });

  it('may send to the private end of external-ip', () => {
    const lines = ['denied-peer-ip=10.0.0.0-10.0.0.9', 'external-ip=1.1.1.1/10.0.0.2'];
    expect(['10.0.0.1', '10.0.0.2'].map((peer) => may(peer, ...lines))).toEqual([false, true]);
  });

  it('may not send to a peer that turnserver itself refuses', () =>
    expect(may('127.0.0.1', 'allowed-peer-ip=127.0.0.1')).toBe(false));
});

describe('the denied ranges', () => {
  it('have no findings if they cover everything', () => expect(lint()).toEqual([]));

  it('are not needed if turnserver does not relay', () => {
    expect(findings('stun-only')).toEqual([]);
    expect(rules('stun-only', 'denied-peer-ip=10.0.0.9-10.0.0.0')).toEqual(['2 error inverted-range']);
  });

  const missing = (...lines: string[]) =>
    findings(...lines).find((text) => text.includes(' peer-not-denied'));
  const without10 = DENIED.filter((line) => !line.includes('=10.'));

  it.each([
    ['no', []],
    ['no', ['denied-peer-ip=20.0.0.9-20.0.0.0']],
    ['no valid', ['denied-peer-ip=10.0.0.0/8']],
    ['no valid', ['denied-peer-ip=20.0.0.9-20.0.0.0', 'denied-peer-ip=10.0.0.0/8']],
  ])('leave a network open, reported as "%s denied-peer-ip": %j', (no, lines) =>
    expect(missing(...lines, ...without10)).toMatch(
      new RegExp(
        `^- error peer-not-denied: ${no} denied-peer-ip covers 10\\..* \\(private \\(RFC 1918\\)\\)$`,
      ),
    ),
  );

  it('may cover IPv4 with an IPv6 range only if an IPv4 range already does', () => {
    const ipv6 = 'denied-peer-ip=::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff';
    const open = (...lines: string[]) => rules(...lines).filter((text) => text.includes('open-range'));
    expect(open(ipv6)).toEqual(['1 error open-range']);
    expect(open(ipv6, 'denied-peer-ip=10.0.0.0-10.0.0.9')).toEqual(['1 error open-range']);
    expect(open('denied-peer-ip=0.0.0.0-255.255.255.255', ipv6)).toEqual([]);
  });

  it.each([
    ['1.1.0.0-1.1.255.255', '1.1.1.1'],
    ['1.1.1.1', '1.1.1.1'],
    ['5.0.0.0-5.1.0.0', '5.0.0.0'],
    ['5.5.5.5-5.9.9.9', '5.5.5.5'],
    ['10.0.0.0-19.255.255.255', '11.0.0.0'],
    ['0.0.0.0-1.0.255.255', '1.0.0.0'],
    ['2600::-2600:1::', '2600::'],
    ['2002::-2003::', '2003::'],
  ])('should not deny the public internet: %s', (range, held) =>
    expect(lint(`denied-peer-ip=${range}`)).toEqual([
      `1 warning public-peer-denied: it denies ${held}, which is on the public internet`,
    ]),
  );

  it.each(['5.0.0.0-5.0.255.255', '2600::-2600:0:ffff:ffff:ffff:ffff:ffff:ffff', '10.0.0.0-10.255.255.255'])(
    'may deny a single network: %s',
    (range) => expect(lint(`denied-peer-ip=${range}`)).toEqual([]),
  );

  it('are not measured if their ends are of different families', () =>
    expect(lint('denied-peer-ip=223.255.255.255-1fff::')).toEqual([
      '1 error inverted-range: the end of 223.255.255.255-1fff:: is below its start',
    ]));
});

describe('an allowed range', () => {
  it.each([
    ['10.0.0.9', 'error', '10.0.0.9 (private (RFC 1918))'],
    ['192.0.2.9', 'warning', '192.0.2.9 (documentation (RFC 5737))'],
    ['2002:808:808::1', 'warning', '2002:808:808::1 (6to4 (RFC 3056))'],
    ['10.0.0.8-10.0.0.9', 'error', '10.0.0.8 (private (RFC 1918)), 10.0.0.9 (private (RFC 1918))'],
  ])('permits peers outside the public internet: %s', (range, level, peers) =>
    expect(lint(`allowed-peer-ip=${range}`)[0]).toBe(`1 ${level} peer-allowed: ${OUTSIDE}: ${peers}`),
  );

  it('also permits the IPv6 encodings of its addresses', () =>
    expect(lint('allowed-peer-ip=10.0.0.1')).toEqual([
      `1 error peer-allowed: ${OUTSIDE}: 10.0.0.1 (private (RFC 1918)), ::ffff:10.0.0.1 (non-public IPv4 encoded as IPv4-mapped), ::10.0.0.1 (non-public IPv4 encoded as IPv4-compatible), 2002:a00:1::1 (non-public IPv4 encoded as 6to4), and 1 more`,
    ]));

  it('is an error if one of several networks is private', () =>
    expect(rules('allowed-peer-ip=192.0.2.0-192.168.255.255', ...DENIED)).toEqual(['1 error peer-allowed']));

  it('does not name the peers that turnserver refuses itself', () => {
    const [found = ''] = lint('allowed-peer-ip=127.255.255.255-128.0.0.0');
    expect(found).toMatch(/^1 note peer-allowed: allowing 127\.255\.255\.255 \(loopback\)/);
    const mixed = lint('allowed-peer-ip=100.127.255.255-127.0.0.0');
    expect(mixed).toHaveLength(1);
    expect(mixed[0]).toMatch(/^1 error peer-allowed: .*100\.127\.255\.255/);
    expect(mixed[0]).not.toMatch(/loopback/);
  });

  it.each(['20.0.0.1', '8.8.0.0-8.9.255.255', '2600::1'])('may be public: %s', (range) =>
    expect(lint(`allowed-peer-ip=${range}`)).toEqual([]),
  );

  it.each([
    ['relay-ip=10.0.0.9', 'warning'],
    ['listening-ip=10.0.0.9', 'warning'],
    ['relay-ip=10.0.0.8', 'error'],
    ['relay-ip=eth0', 'error'],
    ['aux-server=10.0.0.9', 'error'],
  ])("is only a warning if it is the server's own address: %s", (line, level) =>
    expect(lint('allowed-peer-ip=10.0.0.9', line)).toEqual([
      `1 ${level} peer-allowed: ${OUTSIDE}: 10.0.0.9 (private (RFC 1918))`,
    ]),
  );

  it("is an error if it extends beyond the server's own address", () =>
    expect(rules('allowed-peer-ip=10.0.0.8-10.0.0.9', 'relay-ip=10.0.0.8', ...DENIED)).toEqual([
      '1 error peer-allowed',
    ]));

  it('is only a warning if it is the private end of external-ip', () =>
    expect(rules('allowed-peer-ip=10.0.0.9', 'external-ip=1.1.1.1/10.0.0.9', ...DENIED)).toEqual([
      '1 warning peer-allowed',
      '2 warning peer-allowed',
    ]));
});

describe('the private end of external-ip', () => {
  const every = 'it permits every peer, denied ones included';

  it.each([
    ['1.1.1.1/', `error peer-allowed: the private end of external-ip is empty: ${every}`],
    [
      '1.1.1.1/0.0.0.0',
      `error peer-allowed: the private end of external-ip is 0.0.0.0, which means no limit: ${every}`,
    ],
    [
      '1.1.1.1/10.0.0.1',
      'warning peer-allowed: clients may send to 10.0.0.1: all services on that address are exposed to them',
    ],
  ])('permits peers: %s', (value, text) => expect(lint(`external-ip=${value}`)).toEqual([`1 ${text}`]));

  it.each(['1.1.1.1', '1.1.1.1/eth0', '1.1.1.1/10.0.0.1-10.0.0.9'])(
    'permits none if it is not an address: %s',
    (value) => expect(lint(`external-ip=${value}`)).toEqual([]),
  );
});
