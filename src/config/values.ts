import { isIP } from 'node:net';
import { versionIn } from '../recipe/coturn-version.ts';
import { type Configuration, readingOf } from './configuration.ts';
import { type Finding, finding, type Level, type LintContext, type RuleId } from './finding.ts';
import type { ConfigOption } from './option-table.ts';
import { booleanOf, LINE_BYTES, type Setting } from './settings.ts';
import { unknownOptions } from './unknown-option.ts';

const PORT = 65535;
/** The largest value of options that are a number; of others turnserver only knows that they are one. */
const LARGEST: Readonly<Record<string, number>> = {
  ...Object.fromEntries(
    [
      'listening',
      'tls-listening',
      'alt-listening',
      'alt-tls-listening',
      'tcp-proxy',
      'cli',
      'web-admin',
      'prometheus',
    ]
      .map((name) => `${name}-port`)
      .concat('min-port', 'max-port')
      .map((name) => [name, PORT]),
  ),
  'relay-threads': 128,
  'user-quota': 2 ** 31 - 1,
  'total-quota': 2 ** 31 - 1,
  'stale-nonce': 2 ** 31 - 1,
  'max-bps': 2 ** 53,
  'bps-capacity': 2 ** 53,
};
/** Those that protect: switched off by their value they are worse than absent, because they look as if they were there. */
const PROTECTIVE =
  /^(no-(?!auth$|udp|tcp$|tls$|dtls$|stun$)|lt-cred-mech$|response-origin-only|stateless-nonce$|unauthorized-ratelimit$)/;
/** Options of which every line counts. */
const LISTS =
  /^(user|listening-ip|relay-ip|external-ip|(aux|(tls-|tcp-|udp-)?alternate)-server|(allowed|denied)-peer-ip|static-auth-secret)$/;
/** Names and paths: who wants a space in one puts it in quotes. */
const WORDS =
  /^(realm|server-name|cert|pkey|log-file|pidfile|static-auth-secret|CA-file|dh-file|relay-device)$/;
/** Addresses of this machine. */
const ADDRESSES = /^(external-ip|listening-ip|relay-ip|cli-ip|web-admin-ip|prometheus-address)$/;

/** What is wrong with single lines. */
export function lintSettings(settings: readonly Setting[], context: LintContext): Finding[] {
  const table = new Map(context.options.map((option) => [option.name, option]));
  const unknown = unknownOptions(context);
  return settings.flatMap((setting, index) => {
    const option = table.get(setting.name);
    // The rest of a line that is too long is told of with the line.
    if (setting.rest) {
      const before = settings[index - 1];
      if (before?.line === setting.line) return [];
      const level = option === undefined ? 'warning' : 'error';
      const what = setting.name.slice(0, 40);
      const message = `the comment has ${setting.bytes} bytes: turnserver takes "${what}" in it for a setting`;
      return [finding('line-too-long', level, setting, message)];
    }
    const long = finding('line-too-long', 'error', setting, `the line has ${setting.bytes} bytes`);
    const found = option === undefined ? unknown(setting) : lintValue(setting, option);
    return setting.bytes > LINE_BYTES ? [long, ...found] : found;
  });
}

function lintValue(setting: Setting, option: ConfigOption): Finding[] {
  const { name, value } = setting;
  const found: Finding[] = [];
  const add = (rule: RuleId, level: Level, message: string) =>
    found.push(finding(rule, level, setting, message));
  const reading = readingOf(option);
  if (reading === 'fatal') add('command-line-only', 'error', `${name} belongs on the command line`);
  if (option.value === 'required' && value === '') add('missing-value', 'error', `${name} needs a value`);
  if (reading === 'flag') {
    if (value !== '' && booleanOf(value) !== true)
      add('ignored-value', 'warning', `${name} is on, whatever "${value}" says`);
  } else if (/(^|\s)#/.test(value)) {
    add('trailing-text', 'error', `"${value}" is the value of ${name}, with all that follows the #`);
  } else if (value.endsWith(';')) {
    add('trailing-text', 'warning', `the semicolon belongs to the value of ${name}`);
  } else if (WORDS.test(name) && !setting.quoted && /\s/.test(value)) {
    add('trailing-text', 'warning', `all of "${value}" is the value of ${name}`);
  } else if (reading === 'boolean') {
    const on = booleanOf(value);
    if (on === undefined) add('invalid-boolean', 'error', `${name} is yes or no, not "${value}"`);
    else if (!on && PROTECTIVE.test(name)) add('switched-off', 'error', `"${value}" switches ${name} off`);
  } else if (value !== '' && (reading === 'number' || LARGEST[name] !== undefined)) {
    const largest = LARGEST[name] ?? Number.MAX_SAFE_INTEGER;
    if (!/^\d+$/.test(value) || Number(value) > largest)
      add(
        'invalid-number',
        'error',
        `${name} is a number${LARGEST[name] ? ` up to ${largest}` : ''}, not "${value}"`,
      );
  } else if (ADDRESSES.test(name) && value !== '' && !isAddress(name, value)) {
    add('invalid-address', 'error', `"${value}" is not an IP address`);
  }
  const feature = option.conditions.find((condition) => /TURN_NO_|SQLITE/.test(condition));
  if (feature !== undefined)
    add('optional-feature', 'note', `${name} needs a turnserver that was built with ${feature}`);
  return found;
}

/** An address, a name that turnserver looks up, or of external-ip two addresses with a slash. */
function isAddress(name: string, value: string): boolean {
  const ends = name === 'external-ip' ? value.split('/') : [value];
  const isName = (text: string) => /^[a-z0-9]([\w.-]*[a-z0-9])?\.?$/i.test(text) && /[a-z]/i.test(text);
  return ends.length <= 2 && ends.map((end) => end.trim()).every((end) => isIP(end) !== 0 || isName(end));
}

/** Options that stand there twice and can have one value only. */
export function lintRepetitions({ settings }: Configuration): Finding[] {
  const before = new Map<string, Setting>();
  const found: Finding[] = [];
  for (const setting of settings) {
    const other = before.get(setting.name);
    before.set(setting.name, setting);
    if (other === undefined || LISTS.test(setting.name) || other.value === setting.value) continue;
    const was = other.value === '' ? other.name : `${other.name}=${other.value}`;
    found.push(
      finding('repeated-option', 'warning', setting, `it takes the place of "${was}" in line ${other.line}`),
    );
  }
  return found;
}

/** Options that turnserver does not start with together. @see coturn, mainrelay.c, main() */
export function lintConflicts({ isOn, last, has }: Configuration, { version }: LintContext): Finding[] {
  const found: Finding[] = [];
  const add = (name: string, message: string) =>
    found.push(finding('conflict', 'error', last(name), message));
  if (isOn('no-udp-relay') && isOn('no-tcp-relay'))
    add('no-tcp-relay', 'no-udp-relay and no-tcp-relay leave nothing to relay');
  if (Number(last('bps-capacity')?.value ?? 0) > 0 && Number(last('max-bps')?.value ?? 0) === 0)
    add('bps-capacity', 'bps-capacity needs max-bps');
  const cli = has('no-cli') && versionIn(version, '<4.10.0') ? !isOn('no-cli') : isOn('cli');
  if (isOn('allow-loopback-peers') && cli && (last('cli-password')?.value ?? '') === '')
    add('allow-loopback-peers', 'allow-loopback-peers needs no-cli, or a cli-password');
  return found;
}

/** What is wrong with the range of relay ports. */
export function lintPorts({ last }: Configuration, { version }: LintContext): Finding[] {
  const [min, max] = [last('min-port'), last('max-port')];
  // coturn, turn_ports.h: LOW_DEFAULT_PORTS_BOUNDARY and HIGH_DEFAULT_PORTS_BOUNDARY
  const [low, high] = [Number(min?.value ?? 49152), Number(max?.value ?? 65535)];
  const found: Finding[] = [];
  if (low > high)
    found.push(finding('port-range', 'error', max ?? min, `max-port ${high} is below min-port ${low}`));
  if (low < 1024)
    found.push(
      finding('port-range', 'warning', min, `relay ports from ${low} on take those of other services`),
    );
  // coturn issue 2056, fixed in 4.18.0
  if (high === 65535 && versionIn(version, '<4.18.0'))
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
