import { describe, expect, it } from 'vitest';
import { type LintContext, RULES } from '../../../src/config/finding.ts';
import { packageLayout, TARBALL_LAYOUT } from '../../../src/plan/layout.ts';
import {
  CONTEXTS,
  type KnownVersion,
  lintFor,
  lintWith,
  shippedConfiguration,
  summaries,
} from '../../support/configurations.ts';

const context: LintContext = CONTEXTS['4.6.1'];
const { options } = context;
const shipped = shippedConfiguration('4.6.1');
const lint = (text: string, more: Partial<LintContext> = {}) => lintWith(text, { ...context, ...more });
const rules = (text: string, more: Partial<LintContext> = {}) =>
  lint(text, more)
    .filter(({ level }) => level !== 'note')
    .map(({ rule, line }) => (line === undefined ? rule : `${rule}:${line}`));

/** The shipped configuration with a line at the beginning that replaces the setting, or is added if the option can be repeated. */
function withLine(line: string): string[] {
  const name = /^[\w-]*/.exec(line)?.[0] ?? '';
  const rest = shipped.split('\n').filter((each) => name === 'denied-peer-ip' || each.split('=')[0] !== name);
  return rules([line, ...rest].join('\n'));
}

describe('the shipped configuration', () => {
  it('has no errors or warnings', () => expect(rules(shipped)).toEqual([]));

  it.each([
    ['an .rpm', packageLayout('rpm'), /\/etc\/coturn\/turnserver\.conf/, /readable by the group coturn/],
    ['the tarball', TARBALL_LAYOUT, /^userdb=var\/turndb$/m, /^pidfile=var\//m],
  ])('has none for %s either, and the same protective lines', (_, layout, ...own) => {
    const text = shippedConfiguration('4.6.1', layout);
    expect(rules(text)).toEqual([]);
    for (const pattern of own) expect(text).toMatch(pattern);
    const denied = (conf: string) => conf.match(/^(denied-peer-ip|no-).*$/gm);
    expect(denied(text)).toEqual(denied(shipped));
  });

  it('has none under the rules of 4.18.0', () =>
    expect(
      rules(shipped.replaceAll(/^(no-tlsv1|no-tlsv1_1|no-stun-backward-compatibility)$/gm, ''), {
        version: '4.18.0',
        options: options.filter(({ name }) => !/tlsv1|backward/.test(name)),
      }),
    ).toEqual([]));
});

describe('a line', () => {
  it.each([
    ['denied-peer-ips=10.0.0.0-10.255.255.255', ['unknown-option:1']],
    ['Fingerprint', ['unknown-option:1']],
    ['-v', ['unknown-option:1']],
    ['relay-ip', ['missing-value:1']],
    ['no-cli # telnet off', ['trailing-text:1']],
    ['no-rfc5780 # not needed', ['ignored-value:1']],
    ['no-rfc5780=0', ['ignored-value:1']],
    ['no-rfc5780=yes', []],
    ['log-file=stdout;', ['trailing-text:1']],
    ['no-udp=maybe', ['invalid-boolean:1']],
    ['no-multicast-peers=0', ['switched-off:1', 'missing-protection:1']],
    ['no-multicast-peers=on', []],
    ['no-tcp-relay=false', ['switched-off:1', 'missing-protection:1']],
    ['no-tlsv1=off', ['switched-off:1', 'missing-protection:1']],
    ['no-software-attribute=no', ['switched-off:1']],
    ['no-udp=0', []],
    // coturn's own example: every IPv4 address.
    ['listening-ip=', []],
    ['cert=~/cert.pem', ['invalid-value:1', 'not-served:1']],
    ['log-file=~turn/turn.log', ['invalid-value:1']],
    ['userdb=~/turndb', ['invalid-value:1']],
    ['user-quota=many', ['invalid-number:1']],
    ['cli-port=70000', ['invalid-number:1', 'unused-option:1']],
    ['denied-peer-ip=10.0.0.0/8', ['invalid-range:1']],
    ['denied-peer-ip=10.0.0.9-10.0.0.1', ['inverted-range:1']],
    ['denied-peer-ip=fe80::1-fe80::', ['inverted-range:1']],
    ['denied-peer-ip="20.0.0.0-20.0.0.255"', []],
    ['denied-peer-ip 20.0.0.0-20.0.0.255', []],
    ['allowed-peer-ip=10.0.0.5', ['peer-allowed:1']],
    ['allowed-peer-ip=20.0.0.5', []],
    ['allowed-peer-ip=8.8.8.8', []],
    ['denied-peer-ip=64.0.0.0-95.255.255.255', ['public-peer-denied:1']],
    ['denied-peer-ip=2600::-26ff:ffff:ffff:ffff:ffff:ffff:ffff:ffff', ['public-peer-denied:1']],
    ['denied-peer-ip=64.0.0.0-64.0.255.254', []],
    ['allow-loopback-peers', ['peer-allowed:1']],
    ['no-auth', ['conflict:1']],
    ['stale-nonce=0', ['missing-protection:1']],
    ['stale-nonce', []],
    ['stale-nonce=600s', ['invalid-number:1']],
    ['realm=my realm', ['trailing-text:1']],
    ['realm="my realm"', []],
    ['realm=', ['missing-value:1', 'missing-realm:1']],
    ['min-port=80', ['port-range:1']],
    ['listening-port=0x10', ['invalid-number:1']],
    ['external-ip=20.0.3.2', []],
    ['external-ip=198.51.100.7', ['unreachable-address:1']],
    ['external-ip=20.0.3.2/10.0.0.5', ['peer-allowed:1']],
    ['external-ip=10.0.0.5/20.0.3.2', ['peer-allowed:1', 'unreachable-address:1']],
    ['external-ip=0.0.0.0', ['unreachable-address:1']],
    ['external-ip=127.0.0.1', ['unreachable-address:1']],
    ['external-ip=20.0.3.2\nexternal-ip=20.0.3.3', ['repeated-option:2']],
    ['external-ip=20.0.3.2/10.0.0.5\nexternal-ip=20.0.3.3/10.0.0.6', ['peer-allowed:1', 'peer-allowed:2']],
    ['external-ip=20.0.3.2/0.0.0.0', ['peer-allowed:1']],
    ['external-ip=20.0.3.2/::', ['peer-allowed:1']],
    ['external-ip=20.0.3.2/', ['peer-allowed:1']],
    ['external-ip=/10.0.0.5', ['peer-allowed:1', 'unreachable-address:1']],
    ['external-ip=20.0.3.2/10.0.0.5/3', ['invalid-address:1']],
    ['external-ip=20.0.3.2/10.0.0.5-10.0.0.9', ['invalid-address:1']],
    ['external-ip=198.51.100.700', ['invalid-address:1']],
    ['alternate-server=10.0.0.300:3478', ['invalid-address:1']],
    ['alternate-server=fe80::1', ['invalid-address:1']],
    ['alternate-server=[2a00:1450::1]:3478', []],
    ['alternate-server=turn2.example.org', []],
    ['alternate-server=turn2.example.org:3478abc', []],
    ['aux-server=foo bar', ['invalid-address:1']],
    ['aux-server=20.0.3.2:3478', []],
    ['allocation-default-address-family=ip6', ['invalid-value:1']],
    ['allocation-default-address-family=ipv6', []],
    ['syslog-facility=FOO', ['invalid-value:1']],
    ['syslog-facility=log_local0', []],
    ["static-auth-secret='3f9a1c5e7b2d4f6081a3c5e7092b4d6f'", ['trailing-text:1']],
    ["cert='/etc/cert.pem'\npkey=/etc/key.pem", ['trailing-text:1']],
    ["realm='it is'nt", ['trailing-text:1']],
    ['external-ip=turn.example.org', []],
    ['external-ip=localhost', []],
    ['external-ip=nosuch.invalid', ['invalid-address:1']],
    ['external-ip=20.0.3.2/eth0', ['invalid-address:1']],
    ['external-ip=PUBLIC_IP/PRIVATE_IP', ['placeholder:1']],
    ['relay-ip=eth0', ['invalid-address:1']],
    ['listening-ip=turn', ['invalid-address:1']],
    ['aux-server=foo:443', ['invalid-address:1']],
    ['aux-server=20.0.3.2', ['invalid-address:1']],
    ['aux-server=20.0.3.2:', ['invalid-address:1']],
    ['aux-server=20.0.3.2:0', ['invalid-address:1']],
    ['aux-server=[2001:470::1]', ['invalid-address:1']],
    ['aux-server=[2001:470::1]:443', []],
    [
      'external-ip=20.0.3.2/10.0.0.5\nexternal-ip=20.0.3.3/10.0.0.5',
      ['peer-allowed:1', 'peer-allowed:2', 'repeated-option:2'],
    ],
    ['external-ip=20.0.3.2/10.0.0.5\nexternal-ip=20.0.3.2/10.0.0.5', ['peer-allowed:1', 'peer-allowed:2']],
    ['external-ip=2001:470::1/10.0.0.5', ['peer-allowed:1', 'invalid-address:1']],
    ['external-ip=20.0.3.2/fd00::5', ['peer-allowed:1', 'invalid-address:1']],
    ['relay-ip=127.0.0.1', ['unreachable-address:1']],
    ['relay-ip=::1', ['unreachable-address:1']],
    ['relay-ip=169.254.1.1', ['unreachable-address:1']],
    ['relay-ip=10.0.0.5', []],
    ['relay-ip=0.0.0.0', []],
    ['listening-ip=127.0.0.1', ['unreachable-address:1']],
    ['listening-ip=127.0.0.1\nlistening-ip=10.0.0.5', []],
    ['listening-ip=127.0.0.1\nrelay-ip=10.0.0.5', ['unreachable-address:1']],
    ['listening-port=0', ['invalid-number:1']],
    ['tls-listening-port=0', ['invalid-number:1', 'not-served:1']],
    ['listening-port=0 # any', ['invalid-number:1']],
    ['alt-listening-port=0', []],
    ['no-udp\nno-tcp', ['not-served:2']],
    ['no-tcp\nno-udp\nno-tls\nno-dtls', ['not-served:2']],
    ['no-udp\nno-tcp\ncert=/etc/c.pem\npkey=/etc/k.pem', []],
    [
      'no-udp\nno-tcp\nno-tls\nno-dtls\ncert=/etc/c.pem\npkey=/etc/k.pem',
      ['not-served:2', 'unused-option:5'],
    ],
    ['no-udp\nno-tcp=no', []],
    ['cli-ip=127.0.0.1:5766', ['invalid-address:1', 'unused-option:1']],
    ['denied-peer-ip=10.0.0.1 - 10.0.0.9', []],
    ['denied-peer-ip=10.0.0.1-10.0.0.5-10.0.0.9', ['invalid-range:1']],
    ['denied-peer-ip=10.0.0-10.0.255', ['invalid-range:1']],
    ['denied-peer-ip=fe80::1%eth0', ['invalid-range:1']],
    ['denied-peer-ip=localhost', ['invalid-range:1']],
    ['denied-peer-ip=70000', ['invalid-range:1']],
    ['denied-peer-ip=10.1-10.2', ['invalid-range:1']],
    ['ne=70000', ['invalid-number:1']],
    ['proc-user=', ['missing-value:1']],
    ['proc-user=turn server', ['invalid-account:1']],
    ['denied-peer-ip=10.0.0.0-', ['open-range:1', 'public-peer-denied:1']],
    ['denied-peer-ip=0.0.0.0', ['open-range:1', 'public-peer-denied:1']],
    ['denied-peer-ip=0.0.0.0-255.255.255.255', ['public-peer-denied:1']],
    ['server-relay', ['server-relay:1']],
    ['web-admin-listen-on-workers', ['not-served:1', 'administration:1']],
    ['prometheus-username-labels', ['public-metrics:1']],
    ['cipher-list=ALL:!eNULL', ['weak-crypto:1']],
    ['cipher-list=HIGH:!aNULL:!MD5', []],
    ['dh566', ['weak-crypto:1']],
    ['user=alice:', ['invalid-user:1']],
    ['user=alice:alice', ['known-secret:1']],
    ['no-udp-relay', [`conflict:${shipped.split('\n').indexOf('no-tcp-relay') + 2}`]],
    ['bps-capacity=1000', ['conflict:1']],
    ['max-bps=-1\nbps-capacity=1000', ['invalid-number:1']],
    ['max-bps=0\nbps-capacity=-1', ['invalid-number:2', 'conflict:2']],
    ['\uFEFF# turnserver.conf', ['unknown-option:1']],
    ['\uFEFFno-cli', ['unknown-option:1']],
    ['\u00A0no-cli', ['unknown-option:1']],
    ['no-cli\r', []],
    ['static-auth-secret=north', ['known-secret:1']],
    ['static-auth-secret=short', ['weak-secret:1']],
    [`static-auth-secret=${'x'.repeat(32)}`, ['weak-secret:1']],
    ['static-auth-secret=3f9a1c5e7b2d4f6081a3c5e7092b4d6f', []],
    ['static-auth-secret=#9xZ3f9a1c5e7b2d4f6081a3c5e7', []],
    ['static-auth-secret=', ['known-secret:1']],
    // biome-ignore lint/suspicious/noTemplateCurlyInString: a shell variable
    ['static-auth-secret=${COTURN_STATIC_AUTH_SECRET}', ['placeholder:1']],
    ['user=alice:password', ['weak-secret:1']],
    ['user=turnx:1234', ['weak-secret:1']],
    // biome-ignore lint/suspicious/noTemplateCurlyInString: shell variables
    ['user=${TURN_USER}:${TURN_PASS}', ['placeholder:1']],
    ['user=Пётр:longlongpassword12345', ['invalid-user:1']],
    ['user=alice:Pee4aiXoaz2eech3', []],
    ['cli-password=qwerty', ['unused-option:1']],
    ['relay-ip=YOUR_SERVER_IP', ['placeholder:1']],
    ['relay-ip=REPLACE-ME', ['placeholder:1']],
    ...[
      ...[
        'your-auth-secret',
        'enter_secret_here',
        'your_turn_secret_here',
        '%(secret)s',
        '#{secret}',
        '((secret))',
      ],
      ...['$turn_secret', '$secret', '`openssl`', '[secret]', '/path/to/secret'],
    ].map((value): [string, string[]] => [`static-auth-secret=${value}`, ['placeholder:1']]),
    ['static-auth-secret=`openssl rand -hex 32`', ['trailing-text:1', 'placeholder:1']],
    ['cert=/path/to/cert.pem', ['placeholder:1', 'not-served:1']],
    ['realm={DOMAIN}', ['placeholder:1']],
    ['realm=turn.{DOMAIN}', ['placeholder:1']],
    ['realm=your.domain.com', ['placeholder:1']],
    ['realm=$REALM', ['placeholder:1']],
    ['psql-userdb=host=db password=$PASSWORD', ['placeholder:1']],
    ['realm=turn.$PUBLIC_DOMAIN', ['placeholder:1']],
    ['user=bob:9kq7$W!xT4pzLm', []],
    ['static-auth-secret=XK7Q-PM2N-ZT9B-QQRS', []],
    ['log-file=/var/log/todo.log', []],
    ['log-file=TODO', ['placeholder:1']],
    ['relay-ip=', ['missing-value:1']],
    ['denied-peer-ip=', ['public-peer-denied:1']],
    ['allowed-peer-ip=', ['peer-allowed:1']],
    ['user-quota=1 # one', ['trailing-text:1']],
    ['tls-listening-port=5349', ['not-served:1']],
    ['cert=/etc/cert.pem', ['not-served:1']],
    ['dh2066', ['removed-option:1']],
    ['sha256', ['removed-option:1']],
    ['prometheus-address=127.0.0.1', ['unknown-option:1']],
    ['cli-password=Pee4aiXoaz2eech3', ['unused-option:1']],
    ['web-admin', ['not-served:1', 'administration:1']],
    [`realm=${'x'.repeat(1100)}`, ['line-too-long:1']],
    ['# denied-peer-ips=whatever', []],
  ])('%s: %s', (line, expected) => expect(withLine(line)).toEqual(expected));

  it('with an unknown option gets the nearest name, or the version that removed it', () => {
    const [misspelt] = lint(`denied-peer-pi=10.0.0.1\n${shipped}`);
    expect(misspelt?.message).toMatch(
      /4\.6\.1 has no option "denied-peer-pi"; did you mean denied-peer-ip\?/,
    );
    const [gone] = lint(`no-loopback-peers\n${shipped}`);
    expect(gone).toMatchObject({
      rule: 'removed-option',
      message: expect.stringMatching(/removed in coturn 4\.5\.1/),
    });
  });

  it('with a range that starts at :: denies the public internet', () =>
    expect(withLine('denied-peer-ip=::-::ffff')).toEqual(
      expect.arrayContaining(['open-range:1', 'public-peer-denied:1']),
    ));

  it('with a range from IPv4 to IPv6 denies everything in between', () =>
    expect(withLine('denied-peer-ip=10.0.0.1-fe80::')).toEqual(
      expect.arrayContaining(['inverted-range:1', 'public-peer-denied:1']),
    ));

  it('with a range that covers peers only numerically suffices from 4.16 on', () => {
    const text = shipped
      .replace(/^denied-peer-ip=::1:0:0-.*$/m, '')
      .replace(/^denied-peer-ip=::100:0:0-.*$/m, 'denied-peer-ip=::1:0:0-::ffff:ffff:ffff');
    expect(rules(text)).toEqual(['unroutable-peer']);
    expect(rules(text, { version: '4.16.0' })).toEqual([]);
  });
});

describe('a line of a newer version', () => {
  const newer = CONTEXTS['4.18.0'];
  const base = shippedConfiguration('4.18.0');
  it.each([
    ['multiplex-peer\nmultiplex-peer-port=0', ['invalid-number:2 fatal']],
    ['multiplex-peer\nmultiplex-peer-port=65001', ['invalid-number:2 fatal']],
    ['multiplex-peer\nmultiplex-peer-port=abc', ['invalid-number:2 fatal']],
    ['multiplex-peer\nmultiplex-peer-port', ['missing-value:2 fatal']],
    ['multiplex-peer\nmultiplex-peer-port=65000', []],
    ['multiplex-peer\nmultiplex-peer-max-peers=0', ['invalid-number:2 fatal']],
    ['multiplex-peer\nmultiplex-peer-max-peers=65535', []],
    ['cpus=0', ['invalid-number:1']],
    ['cpus=129', ['invalid-number:1']],
    ['cpus=2', []],
    ['log-min-level=trace', ['invalid-value:1']],
    ['log-min-level=Warning', []],
    ['stateless-nonce-secret=short', ['weak-secret:1']],
    ['stateless-nonce-secret=3f9a1c5e7b2d4f6081a3c5e7092b4d6f', []],
    ['stateless-nonce-secret=short\nstateless-nonce=0', ['switched-off:2', 'unused-option:2']],
    ['stateless-nonce=0\nstateless-nonce-secret=short', ['switched-off:1', 'weak-secret:2']],
    ['stateless-nonce\nstateless-nonce-secret=', ['missing-value:2']],
    ['cli-max-output-sessions=5', ['unused-option:1']],
    ['web-admin\nno-tls', ['unused-option:1']],
    ['web-admin-listen-on-workers\nno-tls', ['unused-option:1']],
    ['web-admin\ncert=/etc/c\npkey=/etc/k', ['administration:1']],
    ['prometheus-tls\ncert=/etc/c\npkey=/etc/k\nprometheus-address=0.0.0.0', ['public-metrics:4']],
    ['prometheus-tls\nprometheus-address=0.0.0.0', ['unused-option:1', 'unused-option:1']],
    ['max-port=70000', ['invalid-number:1 fatal']],
    ['listening-port=0', ['invalid-number:1']],
    ['listening-port=0x1F', ['invalid-number:1 fatal']],
    ['listening-port=0 # any', ['invalid-number:1 fatal']],
  ])('%j: %s', (lines, expected) => {
    // The configuration's own ports and metrics would follow and override these.
    const text = base.replaceAll(/^(max-port|prometheus).*$/gm, '');
    const names = ['prometheus', 'prometheus-tls', 'prometheus-address', 'prometheus-cert', 'prometheus-key'];
    const options = [
      ...newer.options,
      ...names.map((name) => ({ name, value: 'optional' as const, conditions: [] })),
    ];
    const found = lintWith(`${lines}\n${text}`, { ...newer, options })
      .filter(({ level, line }) => level !== 'note' && line !== undefined && line <= lines.split('\n').length)
      .map(({ rule, line, effect }) => `${rule}:${line}${effect === undefined ? '' : ` ${effect}`}`);
    expect(found).toEqual(expected);
  });

  it.each([
    ['no-dtls', false],
    ['no-dtls=0', true],
    ['dtls\nno-dtls', false],
    ['no-dtls\ndtls', true],
  ])('%j enables DTLS in 4.17.1: %s', (lines, asked) => {
    const options = [...newer.options, { name: 'no-dtls', value: 'optional' as const, conditions: [] }];
    const text = `no-tls\ncert=/etc/c\npkey=/etc/k\n${lines}`;
    const found = lintWith(text, { version: '4.17.1', options });
    expect(
      found.some(({ message }) =>
        /nothing is served over TLS|a later no-dtls disables DTLS again/.test(message),
      ),
    ).toBe(!asked);
  });

  it('web-admin without TLS is still served before 4.6.3', () => {
    const found = lint(`web-admin\nno-tls\n${shipped}`).map(({ rule, line }) => `${rule}:${line}`);
    expect(found).toContain('administration:1');
    expect(found).not.toContain('not-served:1');
  });
});

describe('ports', () => {
  it.each([
    [/^max-port=.*$/m, 'max-port=40000', '4.6.1', 'port-range'],
    [/^max-port=.*$/m, 'max-port=65535', '4.6.1', 'port-range'],
    [/^max-port=.*$/m, 'max-port=65535', '4.18.0', undefined],
    [/^max-port=.*$/m, '', '4.6.1', 'port-range'],
  ])('%s -> %s in %s: %s', (pattern, line, version, rule) => {
    const found = rules(shipped.replace(pattern, line), { version }).map((each) => each.split(':')[0]);
    if (rule === undefined) expect(found).not.toContain('port-range');
    else expect(found).toContain(rule);
  });
});

describe('behaviour without an explicit setting', () => {
  it('an account enables authentication', () => {
    const text = shipped.replace(/^lt-cred-mech$/m, '');
    expect(rules(text)).toContain('open-relay');
    expect(rules(`${text}\nuser=alice:Pee4aiXoaz2eech3`)).toEqual([]);
  });

  it('a missing range is a note for loopback and multicast, which have their own guards', () => {
    const text = shipped.replace(/^denied-peer-ip=127.*$/m, '').replace(/^denied-peer-ip=224.*$/m, '');
    expect(rules(text)).toEqual([]);
    expect(lint(text).filter(({ rule }) => rule === 'single-guard')).not.toEqual([]);
    expect(rules(text.replace(/^no-multicast-peers$/m, ''))).toContain('unroutable-peer');
    expect(rules(`${text}\nallow-loopback-peers`)).toContain('peer-not-denied');
  });

  it('the telnet interface is off without a password, and on with one', () => {
    const text = shipped.replace(/^no-cli$/m, '');
    expect(rules(text)).toEqual([]);
    expect(rules(`cli-password=Pee4aiXoaz2eech3\n${text}`)).toEqual(['administration:1']);
  });

  it('an empty cli-port means a random port', () => {
    const text = `cli-password=Pee4aiXoaz2eech3\ncli-port\n${shipped.replace(/^no-cli$/m, '')}`;
    const found = lint(text).find(({ rule }) => rule === 'administration');
    expect(found?.message).toBe('the telnet interface listens on 127.0.0.1, on a random port');
  });

  const telnet = (version: KnownVersion, lines: string) =>
    lintFor(version, `cli-password=Pee4aiXoaz2eech3\ncli\n${lines}`)
      .filter(({ rule, message }) => rule === 'administration' && message.includes('telnet'))
      .map(({ level, message }) => `${level}: ${message.replace('the telnet interface listens on ', '')}`);

  it.each([
    ['', 'warning: 127.0.0.1, port 5766'],
    ['cli-port=5800', 'warning: 127.0.0.1, port 5800'],
    ['cli-port= +58', 'warning: 127.0.0.1, port 58'],
    ['cli-port=0x1F', 'warning: 127.0.0.1, on a random port'],
    ['cli-port=abc', 'warning: 127.0.0.1, on a random port'],
    ['cli-port=-1', 'warning: 127.0.0.1, port 65535'],
    ['cli-port=70000', 'warning: 127.0.0.1, port 4464'],
    ['cli-port=65536', 'warning: 127.0.0.1, on a random port'],
    ['cli-ip=', 'error: every address, port 5766, reachable from other machines'],
    ['cli-ip', 'error: every address, port 5766, reachable from other machines'],
    ['cli-ip=::1', 'warning: [::1], port 5766'],
    ['cli-ip=::', 'error: [::], port 5766, reachable from other machines'],
  ])('the telnet interface with %s: %s', (line, expected) => {
    expect(telnet('4.6.1', line)).toEqual([expected]);
  });

  it.each<[KnownVersion, string, string[]]>([
    ['4.18.0', 'rfc5780', ['1 note protection-off']],
    ['4.18.0', 'rfc5780=0', ['1 note protection-off']],
    ['4.18.0', 'software-attribute', ['1 note protection-off']],
    ['4.18.0', 'stun-backward-compatibility', ['1 note protection-off']],
    ['4.18.0', '', []],
  ])('in %s, %j disables protection that is on by default', (version, line, expected) =>
    expect(summaries(lintFor(version, line).filter(({ rule }) => rule === 'protection-off'))).toEqual(
      expected,
    ),
  );

  it.each<[KnownVersion, string, string[]]>([
    ['4.6.1', 'no-cli', []],
    ['4.6.1', 'no-cli=0', ['warning: 127.0.0.1, port 5766']],
    ['4.6.1', 'no-cli=False', ['warning: 127.0.0.1, port 5766']],
    ['4.6.1', 'no-cli=yes # x', []],
    ['4.18.0', 'no-cli', ['warning: 127.0.0.1, port 5766']],
    ['4.18.0', 'cli=off', []],
    ['4.18.0', 'cli=no\ncli=1', ['warning: 127.0.0.1, port 5766']],
  ])('in %s, %j controls the telnet interface as the server reads it', (version, line, expected) => {
    expect(telnet(version, line)).toEqual(expected);
  });

  it('a private external-ip is reported as unreachable', () => {
    const [found] = lint('external-ip=10.0.0.5').filter(({ message }) => message.includes('10.0.0.5'));
    expect(found?.rule).toBe('unreachable-address');
    expect(RULES['unreachable-address'].reason).not.toContain('runs without the line');
  });

  it('an empty configuration has fewer than 45 findings, with short messages', () => {
    const found = lint('');
    expect(found.length).toBeLessThan(45);
    for (const { message } of found) expect(message.length).toBeLessThan(250);
  });
});

describe('metrics', () => {
  const newer = [...options, { name: 'prometheus-address', value: 'required' as const, conditions: [] }];
  it.each([
    ['prometheus', 'warning'],
    ['prometheus\nprometheus-address=0.0.0.0', 'warning'],
    ['prometheus\nprometheus-address=127.0.0.1', undefined],
    ['prometheus=0', 'warning'],
  ])('%s: %s', (lines, level) => {
    const text = shipped.replaceAll(/^prometheus.*$/gm, '');
    const found = lint(`${text}\n${lines}`, { version: '4.7.0', options: newer });
    expect(found.find(({ rule }) => rule === 'public-metrics')?.level).toBe(level);
  });
});

describe('settings seen on real servers', () => {
  const told = (version: KnownVersion, text: string, about: RegExp) =>
    lintFor(version, text).filter(({ rule, message }) => about.test(`${rule} ${message}`));

  it.each([
    ['listening-ip=198.51.100.7', 1],
    ['listening-ip=198.51.100.7\nlistening-ip=198.51.100.7', 1],
    ['external-ip=198.51.100.7', 1],
    ['', 0],
    ['listening-ip=', 0],
    ['listening-ip=0.0.0.0', 0],
    ['listening-ip=198.51.100.7\nlistening-ip=198.51.100.8', 0],
    ['external-ip=198.51.100.7/10.0.0.1', 0],
  ])('%j leaves RFC 5780 with a single address: %i', (lines, idle) => {
    expect(told('4.18.0', `rfc5780\n${lines}`, /rfc5780/).map(({ rule }) => rule)).toEqual([
      idle === 1 ? 'unused-option' : 'protection-off',
    ]);
    expect(told('4.6.1', lines, /no-rfc5780/)).toHaveLength(1 - idle);
  });

  it.each([
    ['userdb=/var/lib/turn/turndb\nredis-userdb=ip=127.0.0.1', ['2 warning repeated-option']],
    ['psql-userdb=host=db password=s3cret\nsql-userdb=host=db2', ['2 warning repeated-option']],
    ['userdb=/var/lib/turn/turndb\nredis-statsdb=ip=127.0.0.1', []],
  ])('in %j the last database is used', (text, expected) => {
    expect(summaries(told('4.18.0', text, /repeated-option/))).toEqual(expected);
  });

  it('replaced values are not shown, because they may be secrets', () => {
    const [found] = told('4.18.0', 'cli-password=Pee4aiXoaz2eech3\ncli-password=other', /repeated-option/);
    expect(found?.message).toBe('it replaces cli-password in line 1');
  });

  it.each([
    ['prometheus-path=metrics', ['1 error invalid-value']],
    ['prometheus-path=/metrics', []],
    ['sock-buf-size=0', ['1 error invalid-number']],
    ['sock-buf-size=2097152', []],
  ])('%s: %j', (line, expected) => {
    const path = { name: 'prometheus-path', value: 'required' as const, conditions: [] };
    const newest = CONTEXTS['4.18.0'];
    const found = lintWith(line, { ...newest, options: [...newest.options, path] });
    expect(summaries(found.filter(({ rule }) => rule.startsWith('invalid')))).toEqual(expected);
  });

  it.each([
    ['tls-listening-port=5349', / unless it finds turn_server_cert.pem and turn_server_pkey.pem in a folder/],
    ['cert=/etc/cert.pem', /without pkey, .* unless it finds turn_server_pkey.pem in a folder/],
    ['cert=\npkey=', /without cert and pkey, turnserver does not serve TLS or DTLS$/],
  ])('%j lacks a certificate or a key', (text, message) => {
    expect(told('4.18.0', text, /^not-served/)).toEqual([
      expect.objectContaining({ level: 'error', message: expect.stringMatching(message) }),
    ]);
  });

  it.each([
    ['no-tlsv1', 'warning'],
    ['no-stun-backward-compatibility', 'warning'],
    ['secret-ts-exp-time=3600', 'warning'],
    ['prod', 'error'],
  ] as const)('%s was removed before 4.18.0: %s', (line, level) => {
    expect(told('4.18.0', line, /^removed-option/)).toEqual([expect.objectContaining({ level })]);
  });
});
