import { versionIn } from '../recipe/coturn-version.ts';
import { type Configuration, hasTelnet } from './configuration.ts';
import { type Finding, finding, type LintContext } from './finding.ts';
import { leadingNumber, portOf, type Setting, STRICT_PORTS } from './settings.ts';

/** Options that may occur several times. */
const LISTS =
  /^(user|listening-ip|relay-ip|external-ip|(aux|(tls-|tcp-|udp-)?alternate)-server|(allowed|denied)-peer-ip|static-auth-secret)$/;

/** User databases: the last line wins, regardless of its type. @see coturn, mainrelay.c, set_option(): persistent_users_db.userdb */
const DATABASES = /^(db|userdb|(sql|psql|mysql|mongo|redis)-userdb)$/;

/** Reports repeated options that can have only one value. Omits their values, because some are secrets. */
export function lintRepetitions({ settings }: Configuration): Finding[] {
  const before = new Map<string, Setting>();
  const found: Finding[] = [];
  for (const setting of settings) {
    const variable = DATABASES.test(setting.name) ? 'userdb' : setting.name;
    const other = before.get(variable);
    before.set(variable, setting);
    if (other === undefined || LISTS.test(setting.name)) continue;
    if (other.name === setting.name && other.value === setting.value) continue;
    found.push(
      finding('repeated-option', 'warning', setting, `it replaces ${other.name} in line ${other.line}`),
    );
  }
  return found;
}

/** Reports combinations of options with which turnserver does not start. @see coturn, mainrelay.c, main() */
export function lintConflicts(configuration: Configuration): Finding[] {
  const { isOn, last, has } = configuration;
  const found: Finding[] = [];
  const add = (name: string, message: string) =>
    found.push(finding('conflict', 'error', last(name), message, 'fatal'));
  if (isOn('no-udp-relay') && isOn('no-tcp-relay'))
    add('no-tcp-relay', 'no-udp-relay and no-tcp-relay together disable all relaying');
  if (leadingNumber(last('bps-capacity')?.value) !== 0 && leadingNumber(last('max-bps')?.value) === 0)
    add('bps-capacity', 'bps-capacity requires max-bps');
  if (isOn('allow-loopback-peers') && hasTelnet(configuration) && (last('cli-password')?.value ?? '') === '')
    add(
      'allow-loopback-peers',
      has('cli')
        ? 'allow-loopback-peers and cli together require a cli-password'
        : 'allow-loopback-peers requires no-cli, or a cli-password',
    );
  return found;
}

/** Checks the range of relay ports. */
export function lintPorts({ last }: Configuration, { version }: LintContext): Finding[] {
  const [min, max] = [last('min-port'), last('max-port')];
  // coturn, turn_ports.h: LOW_DEFAULT_PORTS_BOUNDARY and HIGH_DEFAULT_PORTS_BOUNDARY
  const [low, high] = [portOf(min, 49152), portOf(max, 65535)];
  const found: Finding[] = [];
  // turnserver does not start with an invalid port; other rules report that.
  if (
    [min, max].some((port) => port !== undefined && leadingNumber(port.value) > 65_535) &&
    versionIn(version, STRICT_PORTS)
  )
    return found;
  if (low > high)
    found.push(
      finding(
        'port-range',
        'error',
        max ?? min,
        `max-port ${high} is below min-port ${low}: turnserver crashes at the first allocation`,
        'fatal',
      ),
    );
  if (low < 1024)
    found.push(
      finding(
        'port-range',
        'warning',
        min,
        `relay ports from ${low} on overlap with ports of other services`,
      ),
    );
  // coturn issue 2056, fixed in 4.18.0
  if (high === 65535 && versionIn(version, '<4.18.0'))
    found.push(
      finding(
        'port-range',
        'warning',
        max,
        'versions before 4.18.0 assign port 65535 twice when the pool is exhausted: set max-port=65534',
      ),
    );
  return found;
}
