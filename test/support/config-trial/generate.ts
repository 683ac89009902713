import { createHmac } from 'node:crypto';
import type { ConfigOption } from '../../../src/config/option-table.ts';
import { parseSettings } from '../../../src/config/settings.ts';
import { createRandom, type Random } from '../../../src/lab/random.ts';
import { type Candidate, SERVER, type Trial } from './observation.ts';

/** The notations of a line. */
export const FORMS = [
  ...['absent', 'bare', 'empty', 'valid', 'malformed', 'placeholder'],
  ...['capitals', 'comment', 'quoted', 'twice', 'negative'],
] as const;
export type Form = (typeof FORMS)[number];

const SECRET = '3f9a1c5e7b2d4f6081a3c5e7092b4d6f';
const PASSWORD = 'Wq7-horse.battery_41';

/** Meaningful values by option. Options that are missing here are switches or take a number. */
const VALID: Readonly<Record<string, readonly string[]>> = {
  user: [
    `alice:${PASSWORD}`,
    'turnx:1234',
    'test:test',
    `bob:0x${'0f'.repeat(16)}`,
    `Пётр:${PASSWORD}`,
    'a:b:c',
    'alice:',
  ],
  'static-auth-secret': [SECRET, 'north', 'short', `#${SECRET}`],
  realm: ['example.org', 'пример.рф'],
  'listening-ip': [SERVER.ipv4, SERVER.ipv6, '127.0.0.1', 'eth0'],
  'relay-ip': [SERVER.ipv4, SERVER.ipv6, '127.0.0.1', '0.0.0.0', 'eth0'],
  'external-ip': [
    '198.51.100.7',
    `198.51.100.7/${SERVER.ipv4}`,
    `${SERVER.ipv4}/198.51.100.7`,
    '0.0.0.0',
    '127.0.0.1',
    `198.51.100.7/${SERVER.own}`,
    '198.51.100.7/',
    '198.51.100.7/0.0.0.0',
    '198.51.100.7/::',
    `198.51.100.7/${SERVER.ipv4}/3`,
    `2001:db8::7/${SERVER.ipv4}`,
    'nosuch.invalid',
  ],
  'denied-peer-ip': [
    '10.0.0.0-10.255.255.255',
    '192.168.1.1',
    '0.0.0.0-255.255.255.255',
    '::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff',
    'fc00::-fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff',
    '10.0.0.0/8',
    '10.9.0.0-10.1.0.0',
    '10.0.0.1-',
  ],
  'allowed-peer-ip': ['10.0.0.1', '10.0.0.0-10.255.255.255', '127.0.0.1', '::1', '169.254.169.254'],
  'listening-port': ['3478', '4000', '0'],
  'tls-listening-port': ['5349', '3478', '0'],
  'alt-listening-port': ['3479', '0'],
  'min-port': ['49152', '50000'],
  'max-port': ['49251', '50100'],
  'cli-password': ['qwerty', PASSWORD],
  'cli-ip': ['127.0.0.1', SERVER.ipv4, '0.0.0.0'],
  'cli-port': ['5766', '5800'],
  'web-admin-ip': ['127.0.0.1', SERVER.ipv4],
  'web-admin-port': ['8080'],
  'prometheus-address': ['127.0.0.1', SERVER.ipv4],
  'prometheus-port': ['9641'],
  'user-quota': ['1', '12'],
  'total-quota': ['1', '1200'],
  'stale-nonce': ['600', '0'],
  'max-bps': ['3000000', '0'],
  'bps-capacity': ['3000000', '0'],
  'relay-threads': ['1', '0'],
  'cipher-list': ['HIGH', 'ALL'],
  'alternate-server': ['20.0.9.9:3478'],
  'tls-alternate-server': ['20.0.9.9:5349'],
  'aux-server': [`${SERVER.ipv4}:4433`, SERVER.ipv4, 'foo:443'],
  'allocation-default-address-family': ['ipv4', 'ipv6', 'keep'],
  'rest-api-separator': [':', '.'],
  'server-name': ['turn.example.org'],
  'listening-device': ['eth0', 'lo'],
  'relay-device': ['eth0'],
  cert: ['/etc/passwd', '/none.pem'],
  pkey: ['/etc/passwd', '/none.pem'],
  userdb: ['/var/lib/turn/turndb', '/none/turndb', '/tmp/trial.db'],
  // Nothing listens there.
  'psql-userdb': ['host=127.0.0.1 dbname=coturn user=turn password=turn connect_timeout=2'],
  'mysql-userdb': ['host=127.0.0.1 dbname=coturn user=turn password=turn connect_timeout=2'],
  'mongo-userdb': ['mongodb://127.0.0.1:27017/coturn'],
  'redis-userdb': ['ip=127.0.0.1 dbname=0 connect_timeout=2'],
  'redis-statsdb': ['ip=127.0.0.1 dbname=0 connect_timeout=2'],
  'log-file': ['/tmp/trial.log', '/none/trial.log', 'stdout', 'syslog'],
  pidfile: ['/tmp/trial.pid', '/none/trial.pid'],
  'log-min-level': ['info', 'trace'],
  'syslog-facility': ['LOG_LOCAL1', 'LOCAL1'],
  cpus: ['1', '0', '500'],
  'multiplex-peer-port': ['3480', '0', '65000', '65001'],
  'multiplex-peer-max-peers': ['256', '0', '65535', '65536'],
  'new-log-timestamp-format': ['%FT%T'],
  'proc-user': ['turnserver'],
  'proc-group': ['turnserver'],
  'acme-redirect': ['https://example.org/'],
  'secret-ts-exp-time': ['86400'],
  'ec-curve-name': ['prime256v1'],
};
/** Placeholders of unfilled templates and of examples. */
const PLACEHOLDERS = [
  `\${VALUE}`,
  '<CHANGE_ME>',
  'YOUR_SERVER_IP',
  '{{ value }}',
  '%VALUE%',
  '__VALUE__',
  'changeme',
];
const MALFORMED = [
  'abc',
  '-1',
  '70000',
  '10.0.0.256',
  '1.2.3',
  '99999999999999999999',
  'maybe',
  '1e3',
  '0x1F',
];

/** Excluded options: `version` only prints the version, and the others need key or certificate files. */
const LEFT_OUT = /^(version|secret-key-file|dh-file|CA-file|pkey-pwd)$/;

/** Options that turnserver evaluates together. */
const TOGETHER: readonly (readonly string[])[] = [
  [
    'use-auth-secret',
    'static-auth-secret',
    'lt-cred-mech',
    'user',
    'no-auth',
    'realm',
    'oauth',
    'secure-stun',
  ],
  [
    'denied-peer-ip',
    'allowed-peer-ip',
    'allow-loopback-peers',
    'no-multicast-peers',
    'external-ip',
    'server-relay',
  ],
  ['cli', 'no-cli', 'cli-password', 'cli-ip', 'cli-port', 'allow-loopback-peers'],
  ['cert', 'pkey', 'no-tls', 'no-dtls', 'dtls', 'tls-listening-port', 'alt-tls-listening-port'],
  ['listening-ip', 'relay-ip', 'external-ip', 'listening-device', 'listening-port'],
  ['no-udp', 'no-tcp', 'no-tls', 'no-dtls', 'no-udp-relay', 'no-tcp-relay', 'stun-only', 'no-stun'],
  ['min-port', 'max-port'],
  ['max-bps', 'bps-capacity', 'user-quota', 'total-quota'],
  ['web-admin', 'web-admin-ip', 'web-admin-port', 'web-admin-listen-on-workers'],
  ['rfc5780', 'no-rfc5780', 'alt-listening-port', 'response-origin-only-with-rfc5780'],
  ['stateless-nonce', 'stateless-nonce-secret', 'stale-nonce'],
  ['multiplex-peer', 'multiplex-peer-port', 'multiplex-peer-max-peers'],
  ['userdb', 'psql-userdb', 'mysql-userdb', 'redis-userdb', 'use-auth-secret', 'lt-cred-mech', 'user'],
  ['log-file', 'no-stdout-log', 'syslog', 'simple-log', 'new-log-timestamp', 'new-log-timestamp-format'],
  ['daemon', 'pidfile', 'log-file', 'syslog', 'no-stdout-log'],
];

/** Authentication settings that precede the random ones. */
const DOORS: readonly (readonly string[])[] = [
  ['use-auth-secret', `static-auth-secret=${SECRET}`],
  ['use-auth-secret', `static-auth-secret=${SECRET}`],
  ['lt-cred-mech', `user=alice:${PASSWORD}`],
  ['lt-cred-mech', `user=alice:${PASSWORD}`],
  [`user=alice:${PASSWORD}`],
  ['lt-cred-mech', 'use-auth-secret', `static-auth-secret=${SECRET}`, `user=alice:${PASSWORD}`],
  ['use-auth-secret'],
  [],
];
const PORTS = ['min-port=49152', 'max-port=49251'];
const DENIED = [
  'denied-peer-ip=10.0.0.0-10.255.255.255',
  'denied-peer-ip=169.254.0.0-169.254.255.255',
  'denied-peer-ip=fc00::-fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff',
];

/**
 * Configurations for one version: every option in every form once, in an order that depends on the seed. Every second configuration also
 * has related options.
 */
export function drawTrials(draw: {
  version: string;
  options: readonly ConfigOption[];
  count: number;
  seed: number;
  firstId: number;
  peers: readonly string[];
}): Trial[] {
  const random = createRandom(draw.seed);
  const names = draw.options.map(({ name }) => name).filter((name) => !LEFT_OUT.test(name));
  const subjects = shuffle(
    names.flatMap((name) => FORMS.map((form) => ({ name, form }))),
    random,
  );
  return Array.from({ length: draw.count }, (_, index) => {
    const subject = subjects[index % subjects.length] as (typeof subjects)[number];
    const text = `${linesWith(subject, names, random).join('\n')}\n`;
    return {
      id: draw.firstId + index,
      version: draw.version,
      text,
      credentials: candidatesOf(text),
      peers: draw.peers,
    };
  });
}

function linesWith(
  { name, form }: { name: string; form: Form },
  names: readonly string[],
  random: Random,
): string[] {
  const subject = lineOf(name, form, random);
  const door = random.pick(DOORS);
  const context = [...door, 'realm=example.org', ...(random.below(2) === 0 ? DENIED : [])].filter(
    (line) => line.split('=')[0] !== name,
  );
  const group = TOGETHER.filter((each) => each.includes(name));
  const others: string[] = [];
  if (group.length > 0 && random.below(2) === 0) {
    const related = random.pick(group).filter((each) => each !== name && names.includes(each));
    const count = 1 + random.below(2);
    for (let i = 0; i < count && related.length > 0; i++)
      others.push(...lineOf(random.pick(related), random.pick(FORMS), random));
  }
  // If an option is repeated, the last line applies, so random ranges follow these.
  const drawn =
    random.below(3) === 0 ? [...subject, ...context, ...others] : [...context, ...subject, ...others];
  return [...PORTS, ...drawn];
}

function lineOf(name: string, form: Form, random: Random): string[] {
  const value = random.pick(VALID[name] ?? ['1']);
  switch (form) {
    case 'absent':
      return [];
    case 'bare':
      return [name];
    case 'empty':
      return [`${name}=`];
    case 'malformed':
      return [`${name}=${random.pick(MALFORMED)}`];
    case 'placeholder':
      return [`${name}=${random.pick(PLACEHOLDERS)}`];
    case 'capitals':
      return [`${name.toUpperCase()}=${value}`];
    case 'comment':
      return [`${name}=${value} # as agreed`];
    case 'quoted':
      return [`${name}="${value}"`];
    case 'twice':
      return [`${name}=${value}`, `${name}=${random.pick(VALID[name] ?? ['0'])}`];
    case 'negative':
      return [`${name}=${random.pick(['0', 'no', 'off', 'false'])}`];
    default:
      return [`${name}=${value}`];
  }
}

function shuffle<T>(list: readonly T[], random: Random): T[] {
  const result = [...list];
  for (let at = result.length - 1; at > 0; at--) {
    const other = random.below(at + 1);
    [result[at], result[other]] = [result[other] as T, result[at] as T];
  }
  return result;
}

/** In 2033, with every digit: a user name of the REST API starts with its expiry time as a 32-bit number. */
const LATER = '2013456789';

/** Credentials that a file seems to accept: its users, its secrets, and the empty secret. */
export function candidatesOf(text: string): Candidate[] {
  const settings = parseSettings(text);
  const users = settings.flatMap(({ name, value }) => {
    const colon = value.indexOf(':');
    // A client cannot send a key instead of a password.
    if (name !== 'user' || colon < 0 || /^0x[0-9a-f]{32}/i.test(value.slice(colon + 1))) return [];
    return [{ label: `user ${value}`, username: value.slice(0, colon), password: value.slice(colon + 1) }];
  });
  const separator = settings.findLast(({ name }) => name === 'rest-api-separator')?.value[0] ?? ':';
  const secrets = settings.filter(({ name }) => name === 'static-auth-secret').map(({ value }) => value);
  const byRest = [...secrets, ''].map((secret) => {
    const username = `${LATER}${separator}someone`;
    return {
      label: `secret ${secret}`,
      username,
      password: createHmac('sha1', secret).update(username).digest('base64'),
    };
  });
  return [...new Map([...users, ...byRest].map((each) => [each.label, each])).values()];
}
