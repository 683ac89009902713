import { describe, expect, it } from 'vitest';
import type { RuleId } from '../../../src/config/finding.ts';
import { CONTEXTS, type KnownVersion, lintWith } from '../../support/configurations.ts';

// Boundary values, and combinations in which every part matters.

/** The context of a version, with options that the fixture lacks. */
function contextOf(version: KnownVersion, added: readonly string[] = []) {
  const more = added.map((name) => ({ name, value: 'optional' as const, conditions: [] }));
  const known = CONTEXTS[version].options.filter(({ name }) => !name.startsWith('prometheus'));
  return { version, options: [...known, ...more] };
}

const METRICS = ['prometheus', 'prometheus-tls', 'prometheus-cert', 'prometheus-key', 'prometheus-path'];
const OLD = CONTEXTS['4.6.1'];
const NEW = contextOf('4.18.0', [...METRICS, 'prometheus-address', 'prometheus-port', 'no-dtls']);
const UNBOUND = contextOf('4.18.0', [...METRICS, 'prometheus-port']);

/** `LINE LEVEL MESSAGE` of the findings of a rule. */
const found = (rule: RuleId, text: string, context: Parameters<typeof lintWith>[1] = NEW) =>
  lintWith(text, context)
    .filter((each) => each.rule === rule)
    .map(({ line, level, message }) => `${line ?? '-'} ${level} ${message}`);

describe('unused options', () => {
  it.each([
    [
      'prometheus-path=/m',
      '1 warning without prometheus or prometheus-tls, prometheus-path has no effect: metrics are not served',
    ],
    ['prometheus-path=/m\nprometheus'],
    ['prometheus-path=/m\nprometheus-tls\ncert=/c\npkey=/k'],
    ['prometheus-tls=0'],
    ['stateless-nonce-secret=\nstateless-nonce=0'],
    ['stateless-nonce-secret=3f9a1c5e7b2d4f6081a3c5e7092b4d6f'],
    ['stateless-nonce=0'],
    ['dtls=0\nno-dtls', '2 note no-dtls has no effect: without dtls, DTLS is off'],
    ['dtls\nno-dtls', '1 warning a later no-dtls disables DTLS again'],
    ['no-dtls\ndtls', '1 warning a later dtls enables DTLS'],
    ['no-dtls\ndtls=0', '1 note no-dtls has no effect: without dtls, DTLS is off'],
    [
      'no-tls\ntls-listening-port=5349\nno-dtls',
      '2 warning no-tls is set, so nothing is served over TLS: tls-listening-port has no effect',
      '3 note no-dtls has no effect: without dtls, DTLS is off',
    ],
    ['tls-listening-port=1\nno-tls\ndtls'],
    ['web-admin=0\nno-tls'],
    [
      'web-admin-listen-on-workers\nno-tls',
      '1 warning with no-tls, web-admin-listen-on-workers has no effect: its pages are served over TLS',
    ],
    [
      'rfc5780\nlistening-ip=1.2.3.4\nlistening-ip= 1.2.3.4',
      '1 note with one listening address, or an external-ip without a slash, rfc5780 has no effect',
    ],
    [
      'rfc5780\nexternal-ip=1.2.3.4',
      '1 note with one listening address, or an external-ip without a slash, rfc5780 has no effect',
    ],
    ['rfc5780\nexternal-ip=1.2.3.4/5.6.7.8'],
    ['rfc5780\nexternal-ip='],
  ])('%j', (text, ...expected) => expect(found('unused-option', text)).toEqual(expected));
});

describe('services that do not start', () => {
  const [tls, folder] = ['turnserver does not serve TLS or DTLS', 'in a folder such as /etc'];
  it.each([
    [
      'tls-listening-port=1',
      `1 error without cert and pkey, ${tls} unless it finds turn_server_cert.pem and turn_server_pkey.pem ${folder}`,
    ],
    [
      'tls-listening-port=1\ncert=/c',
      `1 error without pkey, ${tls} unless it finds turn_server_pkey.pem ${folder}`,
    ],
    ['tls-listening-port=1\ncert=', `1 error without cert and pkey, ${tls}`],
    ['tls-listening-port=1\npkey=/k\ncert=', `1 error without cert, ${tls}`],
    [
      'no-udp\nno-tcp\npkey=\ncert=/c',
      '2 error turnserver serves no client: UDP and TCP are off, and there is no certificate and key for TLS',
      `4 error without pkey, ${tls}`,
    ],
    ['no-udp\nno-tcp\ncert=/c\npkey=/k\nno-tls\ndtls'],
    ['no-udp\nno-tcp\ncert=/c\npkey=/k'],
    [
      'no-udp\nno-tcp\ncert=/c\npkey=/k\nno-tls',
      '2 error turnserver serves no client: UDP and TCP are off, and TLS and DTLS are off',
    ],
  ])('%j', (text, ...expected) => expect(found('not-served', text)).toEqual(expected));
});

describe('relay ports', () => {
  const twice =
    '- warning versions before 4.18.0 assign port 65535 twice when the pool is exhausted: set max-port=65534';
  const low = (port: number) => `warning relay ports from ${port} on overlap with ports of other services`;
  const inverted = (min: number, max: number) =>
    `error max-port ${max} is below min-port ${min}: turnserver crashes at the first allocation`;
  it.each([
    ['min-port=1024', [], [twice]],
    ['min-port=1023', [`1 ${low(1023)}`], [`1 ${low(1023)}`, twice]],
    ['min-port=50000\nmax-port=50000', [], []],
    ['min-port=50001\nmax-port=50000', [`2 ${inverted(50001, 50000)}`], [`2 ${inverted(50001, 50000)}`]],
    ['max-port=100', [`1 ${inverted(49152, 100)}`], [`1 ${inverted(49152, 100)}`]],
    ['min-port=65535', [], [twice]],
    // 4.18.0 does not start with it, so the range does not matter.
    ['min-port=65536', [], [`1 ${low(0)}`, twice]],
    ['max-port=65536\nmin-port=80', [], [`1 ${inverted(80, 0)}`, `2 ${low(80)}`]],
  ])('%j', (text, now, before) => {
    expect(found('port-range', text)).toEqual(now);
    expect(found('port-range', text, OLD)).toEqual(before);
  });
});

describe('the telnet interface and loopback peers', () => {
  const old = '1 error allow-loopback-peers requires no-cli, or a cli-password';
  it.each([
    ['allow-loopback-peers', [], [old]],
    ['allow-loopback-peers\ncli-password=', [], [old]],
    ['allow-loopback-peers\ncli-password=x', [], []],
    ['allow-loopback-peers\nno-cli', [], []],
    [
      'allow-loopback-peers\ncli',
      ['1 error allow-loopback-peers and cli together require a cli-password'],
      [old],
    ],
    ['allow-loopback-peers\ncli\ncli-password=x', [], []],
  ])('%j', (text, now, before) => {
    expect(found('conflict', text)).toEqual(now);
    expect(found('conflict', text, OLD)).toEqual(before);
  });

  it.each([
    ['cli-ip= 127.0.0.2 ', '1 warning the telnet interface listens on 127.0.0.2, port 5766'],
    ['cli-ip=::1', '1 warning the telnet interface listens on [::1], port 5766'],
    ['cli-ip=localhost', '1 warning the telnet interface listens on localhost, port 5766'],
    [
      'cli-ip=10.127.0.1',
      '1 error the telnet interface listens on 10.127.0.1, port 5766, reachable from other machines',
    ],
    [
      'cli-ip=',
      '1 error the telnet interface listens on every address, port 5766, reachable from other machines',
    ],
  ])('with %s', (line, expected) =>
    expect(found('administration', `cli\ncli-password=Xq7\n${line}`)).toEqual([expected]),
  );
});

describe('repeated options', () => {
  it.each([
    ['realm=a\nrealm=a'],
    ['realm=a\nmin-port=a'],
    ['realm=a\nrealm=b', '2 warning it replaces realm in line 1'],
    ['userdb=/a\npsql-userdb=/a', '2 warning it replaces userdb in line 1'],
    ['user=a:p\nuser=b:q'],
    ['user=a:p\nuser=a:p'],
    ['user=a:p\nuser=a:'],
    ['user=a:\nuser=a:p'],
    [
      'user=a:p\nuser=a:q\nuser=a:p',
      '1 error a later line sets a different password for a',
      '2 error a later line sets a different password for a',
    ],
  ])('%j', (text, ...expected) => expect(found('repeated-option', text, OLD)).toEqual(expected));
});

describe('metrics', () => {
  const everywhere = 'warning without prometheus-address, turnserver serves the metrics on every address';
  it.each([
    ['prometheus', `1 ${everywhere}`],
    ['prometheus\nprometheus-address=', `2 ${everywhere}`],
    [
      'prometheus\nprometheus-address=10.0.0.1',
      '2 warning turnserver serves the metrics on 10.0.0.1: make sure that only your Prometheus can reach it',
    ],
    ['prometheus\nprometheus-address=127.0.0.1'],
    ['prometheus-tls\ncert=/c'],
    ['prometheus-tls\npkey=/k'],
    ['prometheus-tls\nprometheus-key=/k\npkey=/k'],
    ['prometheus-tls\ncert=/c\npkey=/k', `1 ${everywhere}`],
    ['prometheus-tls\nprometheus-cert=/c\nprometheus-key=/k', `1 ${everywhere}`],
    ['prometheus-tls\nprometheus\nprometheus-cert=/c\npkey=/k', `2 ${everywhere}`],
  ])('of a version with prometheus-address: %j', (text, ...expected) =>
    expect(found('public-metrics', text)).toEqual(expected),
  );

  it.each([
    ['prometheus', 'port 9641'],
    ['prometheus\nprometheus-port=99', 'port 99'],
    ['prometheus\nprometheus-port=0', 'its random port'],
  ])('of a version without it: %j', (text, port) =>
    expect(found('public-metrics', text, UNBOUND)).toEqual([
      `1 note this version cannot bind its metrics to an address: keep ${port} behind a firewall, or use turnbuild's package, which binds them to 127.0.0.1`,
    ]),
  );
});

describe('accounts', () => {
  const refused =
    '1 error this user cannot log in: turnserver cannot decode the name, or refuses its control characters';
  // The last bytes of ß, à, í and é in UTF-8 are 9F, A0, AD and A9.
  it.each([
    ['a\u001e', refused],
    ['a\u001f'],
    ['a~'],
    ['a\u007f', refused],
    ['ß', refused],
    ['à', refused],
    ['í', refused],
    ['é'],
  ])('of the name %j', (name, ...expected) =>
    expect(found('invalid-user', `user=${name}:Pee4aiXoaz2eech3`, OLD)).toEqual(expected),
  );

  it('may have spaces before the password, which are ignored', () =>
    expect(found('invalid-user', 'user=a:  0x12', OLD)).toEqual([
      '1 error this user cannot log in: a password that begins with 0x is a key, which has 32 hexadecimal digits',
    ]));

  it.each([
    ['no-auth', '1 error no-auth: anyone can use the relay'],
    ['no-auth=0', '1 error no-auth=0 disables authentication, including what earlier lines enabled'],
    [
      'lt-cred-mech\nlt-cred-mech=0',
      '2 error lt-cred-mech=0 disables authentication, including what earlier lines enabled',
    ],
  ])('are not needed with %j', (text, expected) =>
    expect(found('open-relay', text, OLD)).toEqual([expected]),
  );
});

describe('missing protection', () => {
  const about = (words: RegExp, text: string) =>
    found('missing-protection', text, OLD).filter((each) => words.test(each)).length;

  it.each([
    ['', 1],
    ['no-tcp', 1],
    ['no-tls', 1],
    ['no-tcp\nno-tls', 0],
    ['no-tcp-relay', 0],
    ['stun-only', 0],
  ])('against TCP relays with %j: %i', (text, count) => expect(about(/RFC 6062/, text)).toBe(count));

  it.each([
    ['', 2],
    ['no-tls', 2],
    ['no-dtls', 2],
    ['no-tls\nno-dtls', 0],
    ['no-tlsv1', 1],
  ])('against old TLS with %j: %i', (text, count) => expect(about(/off the TLS port/, text)).toBe(count));

  it('by weak ciphers is reported for cipher-list only', () => {
    expect(found('weak-crypto', 'realm=RC4')).toEqual([]);
    expect(found('weak-crypto', 'cipher-list=RC4')).toEqual([
      '1 warning "RC4" allows broken ciphers, or none at all',
    ]);
  });
});
