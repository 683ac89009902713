import { describe, expect, it } from 'vitest';
import type { Finding } from '../../../src/config/finding.ts';
import { commentedFile, forgottenFor, type KnownVersion, lintFor } from '../../support/configurations.ts';

/**
 * The example files that coturn and Debian install: their number of lines and the few lines that are not comments (coturn's
 * examples/etc/turnserver.conf, BSD-3-Clause).
 */
const EXAMPLES: Record<string, { version: KnownVersion; lines: number; settings: Record<number, string> }> = {
  "coturn's own, 4.6.1": {
    version: '4.6.1',
    lines: 794,
    settings: {
      779: 'no-rfc5780',
      787: 'no-stun-backward-compatibility',
      794: 'response-origin-only-with-rfc5780',
    },
  },
  "Debian's, 4.6.1": {
    version: '4.6.1',
    lines: 794,
    settings: {
      529: 'syslog',
      779: 'no-rfc5780',
      787: 'no-stun-backward-compatibility',
      794: 'response-origin-only-with-rfc5780',
    },
  },
  "Debian's, 4.18.0": { version: '4.18.0', lines: 999, settings: { 658: 'syslog' } },
};

const PEER_RULES = ['peer-not-denied', 'unroutable-peer', 'single-guard'];

/** `LEVEL RULE: MESSAGE`. */
function summary({ line, level, rule, message }: Finding): string {
  return `${line === undefined ? '' : `${line} `}${level} ${rule}: ${message}`;
}

const UNROUTABLE = [
  ...['6to4 relays (RFC 7526)', 'benchmarking (RFC 2544)', 'documentation (RFC 5737)', 'multicast'],
  ...['protocol assignments (RFC 6890)', 'reserved, broadcast (RFC 1112)'],
  ...['6to4 (RFC 3056)', 'Teredo and similar (RFC 4380)', 'below 2000::/3 (RFC 4291)', 'discard (RFC 6666)'],
  ...['documentation (RFC 3849)', 'documentation (RFC 9637)', 'not assigned (RFC 4291)'],
  ...['6to4', 'IPv4-compatible', 'IPv4-mapped', 'NAT64'].map((name) => `non-public IPv4 encoded as ${name}`),
].map((kind) => `warning unroutable-peer: ${kind}`);
const INSIDE = [
  ...['metadata service (Oracle)', 'private (RFC 1918)', 'shared address space (RFC 6598)'],
  ...['IPv4-mapped', 'NAT64'].map((name) => `non-public IPv4 encoded as ${name}`),
].map((kind) => `error peer-not-denied: ${kind}`);
/** Peers that 4.13.1 and later refuse by default, unlike earlier versions. */
const LOCAL = [
  ...['link-local (RFC 3927)', 'link-local (RFC 4291)', 'metadata service', 'metadata service (Google)'],
  'unique local (RFC 4193)',
];
const note = (kind: string) => `note single-guard: ${kind}`;
const EVERY = [
  ...UNROUTABLE,
  ...INSIDE,
  ...['loopback', 'this host, this network (RFC 1122)'].map(note),
  'error open-relay: neither lt-cred-mech nor use-auth-secret is set, and no user can log in: anyone can use the relay',
  "note missing-protection: stale-nonce is not set: turnserver's default lifetime of nonces applies (600 s)",
  'warning missing-protection: without no-multicast-peers, only denied-peer-ip keeps the relay from sending to multicast groups',
  'warning missing-protection: without no-tcp-relay, users can open TCP connections from this address (RFC 6062)',
];
const EXPECTED: Record<KnownVersion, readonly string[]> = {
  '4.6.1': [
    ...EVERY,
    ...LOCAL.map((kind) => `error peer-not-denied: ${kind}`),
    'warning unroutable-peer: site-local (RFC 3879)',
    'warning port-range: versions before 4.18.0 assign port 65535 twice when the pool is exhausted: set max-port=65534',
    ...[
      "no-tlsv1, only OpenSSL's own settings keep TLS 1.0 off the TLS port",
      "no-tlsv1_1, only OpenSSL's own settings keep TLS 1.1 off the TLS port",
    ].map((text) => `warning missing-protection: without ${text}`),
    'note missing-protection: without no-software-attribute, every response discloses the coturn version',
    'note administration: only the missing cli-password keeps the telnet interface off; set no-cli',
  ],
  '4.18.0': [
    ...EVERY,
    ...[...LOCAL, 'site-local (RFC 3879)'].map(note),
    ...['6to4', 'IPv4-compatible', 'IPv4-mapped', 'NAT64'].map((name) =>
      note(`non-public IPv4 encoded as ${name}`),
    ),
  ],
};

describe('an example file that is mostly comments', () => {
  it.each(Object.entries(EXAMPLES))(
    '%s: has a finding for each missing setting, and no false ones',
    (_, example) => {
      const text = commentedFile(example.lines, example.settings);
      const found = lintFor(example.version, text);
      const peers = forgottenFor(example.version, text).map(
        ({ level, rule, kind }) => `${level} ${rule}: ${kind}`,
      );
      const others = found.filter(({ rule }) => !PEER_RULES.includes(rule)).map(summary);
      expect([...peers, ...others].sort()).toEqual([...EXPECTED[example.version]].sort());
      // A missing block gives one finding per rule, not one per kind.
      expect(found.filter(({ rule }) => PEER_RULES.includes(rule)).length).toBeLessThanOrEqual(5);
    },
  );

  it('has findings for its own settings at their lines', () => {
    const text = commentedFile(10, { 3: 'syslog', 5: 'no-rfc5780=0', 7: 'cli-password=qwerty', 9: 'prod' });
    expect(
      lintFor('4.6.1', text)
        .filter(({ line }) => line !== undefined)
        .map(summary),
    ).toEqual([
      '5 warning ignored-value: no-rfc5780 is enabled: turnserver ignores "0"',
      '7 error weak-secret: the secret of cli-password can be guessed in about 10^1 attempts, which takes less than a second',
      '7 warning administration: the telnet interface listens on 127.0.0.1, port 5766',
    ]);
  });
});
