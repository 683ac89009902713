import { nearestName } from '../errors.ts';
import { versionIn } from '../recipe/coturn-version.ts';
import { type Finding, finding, type Level, type LintContext, type RuleId } from './finding.ts';
import { lintPeers } from './peers.ts';
import { lintProtection } from './protection.ts';
import { booleanOf, LINE_BYTES, parseSettings, type Setting } from './settings.ts';

/** Options whose value is a number, and the largest one. */
const NUMBERS: Readonly<Record<string, number>> = {
  'listening-port': 65535,
  'tls-listening-port': 65535,
  'alt-listening-port': 65535,
  'alt-tls-listening-port': 65535,
  'min-port': 65535,
  'max-port': 65535,
  'cli-port': 65535,
  'web-admin-port': 65535,
  'prometheus-port': 65535,
  'user-quota': 2 ** 31 - 1,
  'total-quota': 2 ** 31 - 1,
  'max-bps': 2 ** 53,
  'bps-capacity': 2 ** 53,
  'stale-nonce': 2 ** 31 - 1,
  'relay-threads': 128,
  'max-allocate-lifetime': 2 ** 31 - 1,
  'channel-lifetime': 2 ** 31 - 1,
  'permission-lifetime': 2 ** 31 - 1,
};

/** Options that are yes or no, whatever table they are in. */
const BOOLEANS: ReadonlySet<string> = new Set([
  ...['lt-cred-mech', 'no-auth', 'use-auth-secret', 'fingerprint', 'no-udp', 'no-tcp', 'no-tls', 'no-dtls'],
  ...[
    'no-udp-relay',
    'no-tcp-relay',
    'no-multicast-peers',
    'allow-loopback-peers',
    'no-cli',
    'cli',
    'mobility',
  ],
  ...['no-software-attribute', 'no-rfc5780', 'web-admin', 'secure-stun', 'stun-only', 'no-stun', 'syslog'],
  ...[
    'no-stdout-log',
    'simple-log',
    'dtls',
    'check-origin-consistency',
    'no-tlsv1',
    'no-tlsv1_1',
    'no-tlsv1_2',
  ],
  ...['no-stun-backward-compatibility', 'response-origin-only-with-rfc5780', 'oauth', 'verbose', 'Verbose'],
]);

/** Those that protect: switched off by their value they are worse than absent, because they look as if they were there. */
const PROTECTIVE = /^(no-(?!auth$|udp|tcp$|tls$|dtls$|stun$)|lt-cred-mech$|use-auth-secret$)/;

/** All that is wrong with a configuration, in the order of its lines; what is missing comes last. Pure. */
export function lintConfig(text: string, context: LintContext): Finding[] {
  const settings = parseSettings(text);
  const found = [
    ...settings.flatMap((setting) => lintSetting(setting, context)),
    ...lintPorts(settings, context),
    ...lintPeers(settings, context),
    ...lintProtection(settings, context),
  ];
  const place = ({ line, column }: Finding) => (line ?? Number.MAX_SAFE_INTEGER) * 1000 + (column ?? 0);
  return found.sort((a, b) => place(a) - place(b));
}

function lintSetting(setting: Setting, context: LintContext): Finding[] {
  const { name, value, text } = setting;
  const found: Finding[] = [];
  const add = (rule: RuleId, level: Level, message: string) =>
    found.push(finding(rule, level, setting, message));
  if (Buffer.byteLength(text) > LINE_BYTES)
    add('line-too-long', 'error', `the line has ${Buffer.byteLength(text)} bytes`);
  const option = context.options.find((each) => each.name === name);
  if (option === undefined) return [...found, unknownOption(setting, context)];
  if (option.value === 'required' && value === '') add('missing-value', 'error', `${name} needs a value`);
  if (/(^|\s)#/.test(value))
    add('trailing-text', 'error', `"${value}" is the value of ${name}, with all that follows the #`);
  else if (value.endsWith(';'))
    add('trailing-text', 'warning', `the semicolon belongs to the value of ${name}`);
  else if (BOOLEANS.has(name)) {
    const on = booleanOf(value);
    if (on === undefined) add('invalid-boolean', 'error', `${name} is yes or no, not "${value}"`);
    else if (!on && PROTECTIVE.test(name)) add('switched-off', 'error', `"${value}" switches ${name} off`);
  } else if (NUMBERS[name] !== undefined && value !== '') {
    const number = /^\d+$/.test(value) ? Number(value) : Number.NaN;
    if (!(number <= (NUMBERS[name] ?? 0)))
      add('invalid-number', 'error', `${name} is a number up to ${NUMBERS[name]}, not "${value}"`);
  }
  const feature = option.conditions.find((condition) => /TURN_NO_|SQLITE/.test(condition));
  if (feature !== undefined)
    add('optional-feature', 'note', `${name} needs a turnserver that was built with ${feature}`);
  return found;
}

function unknownOption(setting: Setting, { version, options, removed }: LintContext): Finding {
  const { name } = setting;
  const gone = removed.find((each) => each.option === name && versionIn(version, `>=${each.removed}`));
  if (gone !== undefined)
    return finding('removed-option', 'error', setting, `${name} is gone since ${gone.removed}: ${gone.note}`);
  const near = nearestName(
    name,
    options.map((option) => option.name),
  );
  const hint = near === undefined ? '' : `; did you mean ${near}?`;
  return finding('unknown-option', 'error', setting, `turnserver ${version} has no option "${name}"${hint}`);
}

function lintPorts(settings: readonly Setting[], { version }: LintContext): Finding[] {
  const last = (name: string) => settings.filter((setting) => setting.name === name).at(-1);
  const [min, max] = [last('min-port'), last('max-port')];
  const found: Finding[] = [];
  if (min !== undefined && max !== undefined && Number(min.value) > Number(max.value))
    found.push(finding('port-range', 'error', max, `max-port ${max.value} is below min-port ${min.value}`));
  // coturn issue 2056, fixed in 4.18.0
  if ((max === undefined || max.value === '65535') && versionIn(version, '<4.18.0'))
    found.push(
      finding(
        'port-range',
        'warning',
        max,
        'a drained pool gives out port 65535 twice in versions before 4.18.0: end with max-port=65534',
      ),
    );
  return found;
}
