import { versionIn } from '../recipe/coturn-version.ts';
import { readingOf } from './configuration.ts';
import { type Effect, type Finding, finding, type Level, type LintContext, type RuleId } from './finding.ts';
import { hasPort, isAddress, isServer, PORT, privateNamesIn } from './hosts.ts';
import { isKnownOption } from './option-catalogue.ts';
import type { ConfigOption } from './option-table.ts';
import { isUnfilled } from './placeholders.ts';
import { booleanOf, LINE_BYTES, leadingNumber, type Setting, STRICT_PORTS } from './settings.ts';
import { unknownOptions } from './unknown-option.ts';

/** Text meant as a comment: a number sign after white space, or at the start and followed by it. Values may begin with a number sign. */
const COMMENT = /\s#|^#\s/;
/** Maximum values of numeric options. turnserver does not limit the others. */
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
  cpus: 128,
  // mainrelay.h, NEV_MAX; turnserver uses any number as a table index.
  ne: 3,
  'user-quota': 2 ** 31 - 1,
  'total-quota': 2 ** 31 - 1,
  'stale-nonce': 2 ** 31 - 1,
  'max-bps': 2 ** 53,
  'bps-capacity': 2 ** 53,
};
/** Bounds of numbers that turnserver enforces. @see coturn, mainrelay.c, set_option() */
const BOUNDS: Readonly<Record<string, { least: number; most?: number; effect?: Effect }>> = {
  cpus: { least: 1 },
  'sock-buf-size': { least: 1 },
  'multiplex-peer-port': { least: 1, most: 65_000, effect: 'fatal' },
  'multiplex-peer-max-peers': { least: 1, most: 65_535, effect: 'fatal' },
  'unauthorized-ratelimit-rps': { least: 1 },
};
/** Valid words of options. Others leave the option unchanged. @see coturn, ns_turn_utils.c, and mainrelay.c, case 'A' */
const WORDS_OF: Readonly<Record<string, RegExp>> = {
  'log-min-level': /^(debug|info|warning|error)$/i,
  'syslog-facility': /^LOG_(AUTH|CRON|DAEMON|KERN|LOCAL[0-7]|LPR|MAIL|NEWS|USER|UUCP|AUTHPRIV|SYSLOG)$/i,
  'allocation-default-address-family': /^=?(ipv4|ipv6|keep)$/,
};
/** Protective options. Disabled by their value, they are worse than absent, because they look enabled. */
const PROTECTIVE =
  /^(no-(?!auth$|udp|tcp$|tls$|dtls$|stun$)|lt-cred-mech$|response-origin-only|stateless-nonce$|unauthorized-ratelimit$)/;
/** Names and paths. Spaces in them should be quoted. */
const WORDS =
  /^(realm|server-name|cert|pkey|log-file|pidfile|static-auth-secret|CA-file|dh-file|relay-device)$/;
/** Files and folders. */
const PATHS =
  /^(cert|pkey|CA-file|dh-file|log-file|pidfile|secret-key-file|userdb|db|prometheus-(cert|key))$/;
/** System accounts. turnserver does not start if they do not exist. */
const ACCOUNTS = /^proc-(user|group)$/;
/** Options with another server's address or name, and port. */
const SERVERS = /^(aux|(tls-|tcp-|udp-)?alternate)-server$/;
/** Options with addresses of this machine. */
const ADDRESSES = /^(external-ip|listening-ip|relay-ip|cli-ip|web-admin-ip|prometheus-address)$/;

/** Options with which turnserver does not start if it cannot resolve a host name. */
const LOOKED_UP = /^((external|listening|relay)-ip|aux-server)$/;
/** Client ports. For other ports, 0 means the default, or the rule for the service reports it. */
const CLIENT_PORTS = /^(tls-)?listening-port$/;

/** Checks individual lines. */
export function lintSettings(settings: readonly Setting[], context: LintContext): Finding[] {
  const table = new Map(context.options.map((option) => [option.name, option]));
  const unknown = unknownOptions(context);
  return settings.flatMap((setting, index) => {
    const option = table.get(setting.name);
    // The rest of an overlong line is reported with the line.
    if (setting.rest) {
      const before = settings[index - 1];
      if (before?.line === setting.line) return [];
      const level = option === undefined ? 'warning' : 'error';
      const what = setting.name.slice(0, 40);
      const message = `the comment has ${setting.bytes} bytes: turnserver reads "${what}" in it as a setting`;
      return [finding('line-too-long', level, setting, message)];
    }
    const long = finding('line-too-long', 'error', setting, `the line has ${setting.bytes} bytes`);
    const found = option === undefined ? unknown(setting) : lintValue(setting, option, context.version);
    return setting.bytes > LINE_BYTES ? [long, ...found] : found;
  });
}

/** Options whose empty values other rules check, and listening-ip, whose empty value coturn's example uses for all IPv4 addresses. */
const EMPTY_ELSEWHERE = /^(user|static-auth-secret|denied-peer-ip|allowed-peer-ip|listening-ip)$/;

function lintValue(setting: Setting, option: ConfigOption, version: string): Finding[] {
  const { name, value } = setting;
  const found: Finding[] = [];
  const add = (rule: RuleId, level: Level, message: string, effect?: Effect) =>
    found.push(finding(rule, level, setting, message, effect));
  const reading = readingOf(option, version);
  if (reading === 'fatal') add('command-line-only', 'error', `${name} belongs on the command line`, 'fatal');
  else if (reading === 'none') add('unused-option', 'note', `${name} has no effect in coturn ${version}`);
  else if (reading === 'flag') {
    if (value !== '' && booleanOf(value) !== true)
      add('ignored-value', 'warning', `${name} is enabled: turnserver ignores "${value}"`);
  } else if (option.value === 'required' && value === '') {
    if (!EMPTY_ELSEWHERE.test(name))
      add(
        'missing-value',
        'error',
        `${name} needs a value`,
        ACCOUNTS.test(name) ? 'fatal' : BOUNDS[name]?.effect,
      );
  } else if (reading === 'boolean') lintBoolean(setting, add);
  else if (
    value !== '' &&
    (reading === 'number' || LARGEST[name] !== undefined || BOUNDS[name] !== undefined)
  )
    lintNumber(setting, version, add);
  else lintText(setting, add);
  const feature = featureOf(option);
  if (feature !== undefined) add('optional-feature', 'note', `${name} requires a build with ${feature}`);
  if (!isKnownOption(name))
    add(
      'unreviewed-option',
      'note',
      `turnbuild has no rules for ${name}, which is newer than this turnbuild`,
    );
  return found;
}

type Add = (rule: RuleId, level: Level, message: string, effect?: Effect) => void;

/** Checks a boolean. Except for on and off, the first letter decides. */
function lintBoolean({ name, value }: Setting, add: Add): void {
  const on = booleanOf(value);
  if (on === undefined) {
    if (COMMENT.test(value))
      add('trailing-text', 'error', `the comment becomes part of the value of ${name}: "${value}"`, 'fatal');
    else add('invalid-boolean', 'error', `${name} must be yes or no, not "${value}"`, 'fatal');
    return;
  }
  if (COMMENT.test(value))
    add(
      'trailing-text',
      'warning',
      `the comment is part of the value of ${name}; turnserver reads "${on ? 'yes' : 'no'}"`,
    );
  if (!on && PROTECTIVE.test(name)) add('switched-off', 'error', `${name}=${value} disables the option`);
}

/** Checks a number. turnserver parses ports strictly from 4.13 on, and reads other numbers with atoi(3). @see get_port_value() */
function lintNumber({ name, value }: Setting, version: string, add: Add): void {
  const bounds = BOUNDS[name];
  if (bounds !== undefined && !isWithin(value, bounds)) {
    const limit = bounds.most === undefined ? 'of at least 1' : `from ${bounds.least} to ${bounds.most}`;
    add('invalid-number', 'error', `${name} must be a number ${limit}, not "${value}"`, bounds.effect);
    return;
  }
  const isPort = LARGEST[name] === PORT;
  const largest = LARGEST[name];
  const [, digits, rest = ''] = /^\s*\+?(\d+)(.*)$/s.exec(value) ?? [];
  const limit = largest === undefined ? '' : ` up to ${largest}`;
  const tooLarge = Number(digits) > (largest ?? Number.MAX_SAFE_INTEGER);
  const isUnknown = CLIENT_PORTS.test(name) && Number(digits) === 0;
  const random = `with ${name}=${value}, turnserver listens on random ports, which clients do not know`;
  if (isPort && versionIn(version, STRICT_PORTS)) {
    // turnserver accepts a sign and spaces before the digits, as strtol(3) does, and nothing after them.
    if (digits === undefined || rest !== '' || tooLarge)
      add('invalid-number', 'error', `${name} must be a number${limit}, not "${value}"`, 'fatal');
    else if (isUnknown) add('invalid-number', 'error', random);
  } else if (digits === undefined || tooLarge)
    add(
      'invalid-number',
      'error',
      `${name} must be a number${limit}, not "${value}"`,
      name === 'ne' && tooLarge ? 'fatal' : undefined,
    );
  else if (isUnknown) add('invalid-number', 'error', random);
  else if (COMMENT.test(rest) || rest.trim() === ';')
    add('trailing-text', 'warning', `turnserver reads "${value}" as ${digits}`);
  else if (rest !== '') add('invalid-number', 'error', `turnserver reads "${value}" as ${digits}`);
}

/** Whether the leading digits are within bounds. strtol(3) and atoi(3) read only these. */
function isWithin(
  value: string,
  { least, most = Number.MAX_SAFE_INTEGER }: { least: number; most?: number },
): boolean {
  const number = leadingNumber(value);
  return number >= least && number <= most;
}

function lintText(setting: Setting, add: Add): void {
  const { name, value, quoted } = setting;
  if (ACCOUNTS.test(name) && !/^[a-z_][\w.-]*\$?$/i.test(value))
    add('invalid-account', 'error', `"${value}" is not the name of an account`, 'fatal');
  else if (COMMENT.test(value))
    add('trailing-text', 'error', `the comment becomes part of the value of ${name}: "${value}"`);
  else if (!quoted && /^'.*'$/.test(value))
    add('trailing-text', 'error', `the single quotes are part of the value of ${name}`);
  else if (value !== '' && WORDS_OF[name]?.test(value) === false)
    add('invalid-value', 'error', `"${value}" is not a valid value of ${name}`);
  else if (PATHS.test(name) && value.startsWith('~'))
    add('invalid-value', 'error', `turnserver does not expand ~: "${value}" is not found`);
  // prom_server.c compares the request's whole path.
  else if (name === 'prometheus-path' && value !== '' && !value.startsWith('/'))
    add('invalid-value', 'error', `prometheus-path must begin with a slash: no request matches "${value}"`);
  else if (value.endsWith(';'))
    add('trailing-text', 'warning', `the semicolon is part of the value of ${name}`);
  else if (WORDS.test(name) && !quoted && /\s/.test(value))
    add(
      'trailing-text',
      'warning',
      `the whole text "${value}" is the value of ${name}; quote it if that is intended`,
    );
  else if (SERVERS.test(name) && value !== '' && !isUnfilled(setting) && !isServer(value))
    add('invalid-address', 'error', `"${value}" is not ADDRESS:PORT, or [ADDRESS]:PORT for IPv6`);
  else if (ADDRESSES.test(name) && value !== '' && !isUnfilled(setting) && !isAddress(name, value))
    add('invalid-address', 'error', `"${value}" is not an IP address`);
  else if (name === 'aux-server' && value !== '' && !isUnfilled(setting) && !hasPort(value))
    add(
      'invalid-address',
      'error',
      `"${value}" has no port: turnserver listens on a random port, which clients do not know`,
    );
  else if (LOOKED_UP.test(name) && !isUnfilled(setting))
    for (const host of privateNamesIn(name, value))
      add('invalid-address', 'warning', `turnserver does not start if it cannot look up "${host}"`);
}

/** The build feature that an option requires. */
function featureOf({ conditions }: ConfigOption): string | undefined {
  const known = conditions.flatMap((condition) => FEATURES.filter(([pattern]) => pattern.test(condition)));
  return known[0]?.[1];
}

/** Descriptions of preprocessor conditions. */
const FEATURES: readonly (readonly [condition: RegExp, words: string])[] = [
  [/PROMETHEUS/, 'Prometheus support'],
  [/MYSQL/, 'MySQL support'],
  [/MONGO/, 'MongoDB support'],
  [/TURN_NO_PQ/, 'PostgreSQL support'],
  [/HIREDIS/, 'Redis support'],
  [/SQLITE/, 'SQLite support'],
];
