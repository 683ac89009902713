import { versionIn } from '../recipe/coturn-version.ts';
import { type Finding, finding, type Level, type LintContext, type RuleId } from './finding.ts';
import { booleanOf, isOn, type Setting } from './settings.ts';

/** Secrets that stand in coturn's own and in widespread examples. */
const KNOWN_SECRETS = new Set([
  ...[
    'north',
    'logen',
    'change_me',
    'changeme',
    'qwerty',
    'password',
    'secret',
    'youhavetochooseagoodpassword',
  ],
  ...['turnserver', 'coturn', 'test', 'admin', '123456', 'guest', 'somepassword', 'password1'],
]);
/** Characters below which a shared secret is short: 128 bits in base64 are 22. */
const SECRET_LENGTH = 22;

/** Settings whose absence leaves the less safe default, where this version has them. */
const PROTECTIONS: readonly (readonly [name: string, level: Level, message: string])[] = [
  ['no-multicast-peers', 'warning', 'without no-multicast-peers the relay sends to multicast groups'],
  ['no-tcp-relay', 'warning', 'without no-tcp-relay users open TCP connections from this address (RFC 6062)'],
  ['no-software-attribute', 'note', 'without no-software-attribute every answer names the version'],
  ['no-tlsv1', 'warning', 'without no-tlsv1 TLS 1.0 is spoken'],
  ['no-tlsv1_1', 'warning', 'without no-tlsv1_1 TLS 1.1 is spoken'],
];

/** Credentials, administration, metrics: what makes a server safe or unsafe as a whole. */
export function lintProtection(settings: readonly Setting[], context: LintContext): Finding[] {
  const known = new Set(context.options.map(({ name }) => name));
  const last = (name: string) => settings.filter((setting) => setting.name === name).at(-1);
  const found: Finding[] = [];
  const add = (rule: RuleId, level: Level, at: Setting | undefined, message: string) =>
    found.push(finding(rule, level, at, message));

  // With an account turnserver switches lt-cred-mech on by itself.
  const credentials = ['lt-cred-mech', 'use-auth-secret', 'oauth']
    .filter((name) => isOn(settings, name))
    .concat(last('user') === undefined ? [] : ['user']);
  if (isOn(settings, 'no-auth')) add('open-relay', 'error', last('no-auth'), 'no-auth lets everybody in');
  else if (credentials.length === 0)
    add(
      'open-relay',
      'error',
      undefined,
      'neither lt-cred-mech nor use-auth-secret nor oauth is set, and there is no user',
    );
  if (credentials.length > 0 && (last('realm')?.value ?? '') === '')
    add('missing-realm', 'warning', undefined, 'realm is not set');
  if (isOn(settings, 'allow-loopback-peers'))
    add(
      'peer-allowed',
      'error',
      last('allow-loopback-peers'),
      "the machine's own services can be reached through the relay",
    );
  found.push(...settings.flatMap(lintSecret));

  for (const [name, level, message] of PROTECTIONS)
    if (known.has(name) && last(name) === undefined) add('missing-protection', level, undefined, message);
  const nonce = last('stale-nonce');
  if (nonce === undefined || nonce.value === '0')
    add(
      'missing-protection',
      'warning',
      nonce,
      'without stale-nonce a nonce that was overheard is good for ever',
    );
  // Until 4.10 the telnet interface is on unless it is switched off, or has no password.
  if (known.has('no-cli') && !isOn(settings, 'no-cli') && versionIn(context.version, '<4.10.0')) {
    if ((last('cli-password')?.value ?? '') === '')
      add(
        'administration',
        'note',
        last('no-cli'),
        'the telnet interface is off only as long as it has no cli-password; no-cli says so',
      );
    else
      add(
        'administration',
        'warning',
        last('cli-password'),
        'the telnet interface listens on port 5766 (cli-ip, cli-port)',
      );
  }
  for (const name of ['web-admin', 'cli'])
    if (isOn(settings, name))
      add('administration', 'warning', last(name), `${name} opens a port for administration`);
  found.push(...lintMetrics(settings, known));
  return found;
}

function lintSecret(setting: Setting): Finding[] {
  const { name, value } = setting;
  const secret =
    name === 'user'
      ? value.slice(value.indexOf(':') + 1)
      : ['static-auth-secret', 'cli-password'].includes(name)
        ? value
        : undefined;
  if (secret === undefined || secret === '') return [];
  if (KNOWN_SECRETS.has(secret.toLowerCase()))
    return [
      finding('known-secret', 'error', setting, `the secret of ${name} is one of everybody's examples`),
    ];
  if (name === 'static-auth-secret' && secret.length < SECRET_LENGTH)
    return [
      finding(
        'weak-secret',
        'warning',
        setting,
        `static-auth-secret has ${secret.length} characters; take ${SECRET_LENGTH} random ones or more`,
      ),
    ];
  return [];
}

function lintMetrics(settings: readonly Setting[], known: ReadonlySet<string>): Finding[] {
  const metrics = settings
    .filter(({ name, value }) => name === 'prometheus' && booleanOf(value) !== false)
    .at(-1);
  if (metrics === undefined) return [];
  if (!known.has('prometheus-address'))
    return [
      finding(
        'public-metrics',
        'note',
        metrics,
        "this version can't bind its metrics to an address: keep port 9641 behind a firewall, or use turnbuild's package, which binds them to 127.0.0.1",
      ),
    ];
  const address = settings.filter(({ name }) => name === 'prometheus-address').at(-1)?.value ?? '';
  if (/^(127\.|::1$|localhost$)/.test(address)) return [];
  return [
    finding(
      'public-metrics',
      'warning',
      metrics,
      address === ''
        ? 'without prometheus-address the metrics are on every address'
        : `the metrics are at ${address}: see that only your Prometheus reaches it`,
    ),
  ];
}
