import type { LintContext } from './finding.ts';
import type { Reading } from './option-reading.ts';
import type { ConfigOption } from './option-table.ts';
import { booleanOf, type Setting } from './settings.ts';

/** The settings that a turnserver takes over: those that it has an option for. */
export interface Configuration {
  settings: readonly Setting[];
  /** The last setting of a name: it wins, where an option has one value only. */
  last(name: string): Setting | undefined;
  /** Whether a yes-or-no option is on in the end. */
  isOn(name: string): boolean;
  /** Whether this version has the option. */
  has(name: string): boolean;
}

/** Options that take no notice of their value, where only the table of options is at hand (4.6.1 to 4.18.0). */
const FLAGS: ReadonlySet<string> = new Set(['use-auth-secret', 'prometheus', 'no-rfc5780', 'no-auth-pings']);
/** Options that are yes or no, where only the table is at hand. */
const BOOLEANS: ReadonlySet<string> = new Set([
  ...['lt-cred-mech', 'no-auth', 'fingerprint', 'no-udp', 'no-tcp', 'no-tls', 'no-dtls', 'oauth'],
  ...['no-udp-relay', 'no-tcp-relay', 'no-multicast-peers', 'allow-loopback-peers', 'no-cli', 'cli'],
  ...['no-software-attribute', 'software-attribute', 'web-admin', 'secure-stun', 'stun-only', 'no-stun'],
  ...['no-stdout-log', 'simple-log', 'syslog', 'dtls', 'check-origin-consistency', 'no-tlsv1', 'no-tlsv1_1'],
  ...['no-tlsv1_2', 'tlsv1', 'tlsv1_1', 'no-stun-backward-compatibility', 'verbose', 'Verbose', 'mobility'],
  ...['response-origin-only-with-rfc5780', 'server-relay', 'web-admin-listen-on-workers', 'dh566', 'dh1066'],
]);

/** What a turnserver does with the value of an option. */
export function readingOf({ name, reading }: ConfigOption): Reading {
  if (reading !== undefined) return reading;
  if (FLAGS.has(name)) return 'flag';
  return BOOLEANS.has(name) ? 'boolean' : 'text';
}

/** All settings of a file, less those that this version ignores because it has no such option. */
export function configurationOf(settings: readonly Setting[], context: LintContext): Configuration {
  const table = new Map(context.options.map((option) => [option.name, option]));
  const known = settings.filter(({ name }) => table.has(name));
  const last = (name: string) => known.findLast((setting) => setting.name === name);
  return {
    settings: known,
    last,
    isOn(name) {
      const [setting, option] = [last(name), table.get(name)];
      if (setting === undefined || option === undefined) return false;
      return readingOf(option) === 'flag' || booleanOf(setting.value) === true;
    },
    has: (name) => table.has(name),
  };
}
