import { versionIn } from '../recipe/coturn-version.ts';
import type { Reading } from './option-reading.ts';

/**
 * All long options of turnserver from 4.5.2 to 4.18.0, by the way it reads the value. The data comes from `readingsOf` and each release's
 * mainrelay.c. The first release with an option follows the `@`. Options that are not listed are newer than the rules.
 */
const OPTIONS: Readonly<Record<Exclude<Reading, 'fatal'>, string>> = {
  boolean: `
    Verbose allow-loopback-peers check-origin-consistency cli@4.10.0 daemon dh1066 dh566
    drop-invalid-packets@4.8.0 drop-invalid-packets-log@4.8.0 dtls@4.17.0 fingerprint
    include-reason-string@4.10.0 keep-address-family log-binding lt-cred-mech mobility new-log-timestamp
    no-auth no-dtls no-multicast-peers no-software-attribute no-stdout-log no-stun
    no-stun-backward-compatibility@4.6.0 no-tcp no-tcp-relay no-tls no-tlsv1 no-tlsv1_1 no-tlsv1_2 no-udp
    no-udp-relay oauth prod prometheus-tls@4.14.0 raw-public-keys@4.6.3 respond-http-unsupported@4.6.3
    rfc3489-compatibility@4.16.0 rfc5766-channel-numbers@4.16.0 secure-stun server-relay simple-log
    software-attribute@4.7.0 stateless-nonce@4.16.0 stun-backward-compatibility@4.7.0 stun-only syslog
    tlsv1@4.7.0 tlsv1_1@4.7.0 udp-gso@4.12.0 udp-recvmmsg@4.10.0 udp-recvmmsg-log@4.12.0 udp-self-balance
    udp-sendmmsg-log@4.13.0 unauthorized-ratelimit@4.14.0 verbose web-admin web-admin-listen-on-workers`,
  number: `
    alt-listening-port alt-tls-listening-port bps-capacity channel-lifetime cli-max-output-sessions cli-port
    cpus@4.8.0 drain-min-allocations@4.15.0 listening-port max-allocate-lifetime max-allocate-timeout
    max-bps max-port min-port multiplex-peer-max-peers@4.16.0 multiplex-peer-port@4.12.0 ne
    permission-lifetime prometheus-port@4.6.0 relay-threads sock-buf-size@4.8.0 stale-nonce tcp-proxy-port
    tls-listening-port total-quota unauthorized-ratelimit-rps@4.14.0 user-quota web-admin-port`,
  text: `
    CA-file acme-redirect allocation-default-address-family@4.6.0 allowed-peer-ip alternate-server
    aux-server cert cipher-list cli-ip cli-password db denied-peer-ip dh-file ec-curve-name external-ip
    listening-device listening-ip log-file log-min-level@4.15.0 mongo-userdb mysql-userdb
    new-log-timestamp-format pidfile pkey pkey-pwd proc-group proc-user prometheus-address@4.6.3
    prometheus-cert@4.14.0 prometheus-key@4.14.0 prometheus-path@4.7.0 psql-userdb realm redis-statsdb
    redis-userdb relay-device relay-ip rest-api-separator secret-key-file server-name sql-userdb
    stateless-nonce-secret@4.16.0 static-auth-secret syslog-facility@4.6.0 tcp-alternate-server@4.15.0
    tls-alternate-server udp-alternate-server@4.15.0 user userdb web-admin-ip`,
  flag: `
    multiplex-peer@4.12.0 no-auth-pings no-dynamic-ip-list no-dynamic-realms prometheus
    prometheus-username-labels@4.6.0 rfc5780@4.7.0 use-auth-secret`,
  none: `
    no-cli no-rfc5780@4.6.0 no-sslv2 no-sslv3 response-origin-only-with-rfc5780@4.6.0 secret-ts-exp-time`,
};

/** Options whose reading has changed: the earlier reading, and the release that changed it. */
const CHANGED: readonly (readonly [name: string, before: string, reading: Reading])[] = [
  ['new-log-timestamp', '4.17.0', 'flag'],
  ['no-cli', '4.10.0', 'boolean'],
  ['no-rfc5780', '4.7.0', 'flag'],
  ['response-origin-only-with-rfc5780', '4.7.0', 'boolean'],
];

/** An option that a release has removed. */
export interface RemovedOption {
  name: string;
  /** The first release without it. */
  removed: string;
  /** Advice to the user. */
  instead: string;
  /** The line requests what is now the default. */
  fulfilled?: true;
}

/** Removed options. `removed` is the first release without the option. 4.18.0 is Debian's program, whose source has no public tag. */
const REMOVED: readonly RemovedOption[] = [
  {
    name: 'st-cred-mech',
    removed: '4.5.0',
    instead: 'short-term credentials do not exist in TURN (RFC 8656)',
  },
  { name: 'sha256', removed: '4.5.0', instead: 'message integrity is SHA-1 (RFC 5389)' },
  { name: 'sha384', removed: '4.5.0', instead: 'message integrity is SHA-1 (RFC 5389)' },
  { name: 'sha512', removed: '4.5.0', instead: 'message integrity is SHA-1 (RFC 5389)' },
  {
    name: 'no-loopback-peers',
    removed: '4.5.1',
    instead: 'loopback peers are denied unless allow-loopback-peers is set',
    fulfilled: true,
  },
  {
    name: 'no-http',
    removed: '4.5.1',
    instead: 'the web interface is off unless web-admin is set',
    fulfilled: true,
  },
  { name: 'dh2066', removed: '4.5.2', instead: 'a 2,066-bit key is the default', fulfilled: true },
  {
    name: 'secret-ts-exp-time',
    removed: '4.7.0',
    instead: 'a REST API username contains its own expiry time',
    fulfilled: true,
  },
  { name: 'prod', removed: '4.7.0', instead: 'use no-software-attribute' },
  { name: 'no-sslv2', removed: '4.7.0', instead: 'SSL 2.0 is never accepted', fulfilled: true },
  { name: 'no-sslv3', removed: '4.7.0', instead: 'SSL 3.0 is never accepted', fulfilled: true },
  { name: 'no-tlsv1', removed: '4.7.0', instead: 'TLS 1.0 is off unless tlsv1 is set', fulfilled: true },
  { name: 'no-tlsv1_1', removed: '4.7.0', instead: 'TLS 1.1 is off unless tlsv1_1 is set', fulfilled: true },
  {
    name: 'no-stun-backward-compatibility',
    removed: '4.7.0',
    instead: 'RFC 3489 requests are ignored unless compatibility is enabled',
    fulfilled: true,
  },
  { name: 'ne', removed: '4.10.0', instead: 'there is only one network engine', fulfilled: true },
  { name: 'no-dtls', removed: '4.18.0', instead: 'DTLS is off unless dtls is set', fulfilled: true },
  { name: 'drop-invalid-packets', removed: '4.18.0', instead: 'remove the line', fulfilled: true },
];

interface KnownOption {
  reading: Reading;
  /** The first release with the option; undefined if 4.5.2 has it. */
  since: string | undefined;
}

const KNOWN: ReadonlyMap<string, KnownOption> = new Map([
  ['version', { reading: 'fatal', since: '4.6.0' }],
  ...Object.entries(OPTIONS).flatMap(([reading, names]) =>
    names
      .trim()
      .split(/\s+/)
      .map((entry): [string, KnownOption] => {
        const [name = '', since] = entry.split('@');
        return [name, { reading: reading as Reading, since }];
      }),
  ),
]);

/** Whether the rules know an option. */
export function isKnownOption(name: string): boolean {
  return KNOWN.has(name);
}

/** How a release reads an option's value, for use without its source. Unknown options count as text. */
export function knownReading(name: string, version: string): Reading {
  const earlier = CHANGED.find(([changed, before]) => changed === name && versionIn(version, `<${before}`));
  return earlier?.[2] ?? KNOWN.get(name)?.reading ?? 'text';
}

/** The removed option if this version no longer has it; otherwise undefined. */
export function removedOption(name: string, version: string): RemovedOption | undefined {
  return REMOVED.find((each) => each.name === name && versionIn(version, `>=${each.removed}`));
}

/** The release that added an option, if it is newer than this version. */
export function addedLater(name: string, version: string): string | undefined {
  const since = KNOWN.get(name)?.since;
  return since !== undefined && versionIn(version, `<${since}`) ? since : undefined;
}
