import { describe, expect, it } from 'vitest';
import type { Finding } from '../../../src/config/finding.ts';
import { type KnownVersion, lintFor, shippedConfiguration } from '../../support/configurations.ts';

/** A line with one fault, and the expected finding: a rule at its line, or a missing setting. */
interface Mutation {
  how: string;
  change(line: string): string | undefined;
  /** A line to append instead. */
  append?: true;
  rule: RegExp;
  missing?: true;
}

/** Faults by kind of line. */
const ANY: readonly Mutation[] = [
  { how: 'deleted', change: () => '', rule: /./, missing: true },
  { how: 'commented out', change: (line) => `# ${line}`, rule: /./, missing: true },
  { how: 'misspelt', change: (line) => line.replace(/^(.)(.)/, '$2$1'), rule: /^unknown-option$/ },
  { how: 'without its first letter', change: (line) => line.slice(1), rule: /^unknown-option$/ },
  {
    how: 'with an extra letter',
    change: (line) => line.replace(/^([\w-]+)/, '$1s'),
    rule: /^unknown-option$/,
  },
  {
    how: 'with a truncated name',
    change: (line) => line.replace(/^([\w-]+)\w(?==|$)/, '$1'),
    rule: /^unknown-option$/,
  },
  {
    how: 'in upper case',
    change: (line) => line.replace(/^[\w-]+/, (name) => name.toUpperCase()),
    rule: /^unknown-option$/,
  },
  {
    how: 'with a capital first letter',
    change: (line) => line.replace(/^\w/, (first) => first.toUpperCase()),
    rule: /^unknown-option$/,
  },
  { how: 'with the dashes of the command line', change: (line) => `--${line}`, rule: /^unknown-option$/ },
  {
    how: 'with a colon after its name',
    change: (line) => line.replace(/^([\w-]+)=?/, '$1:'),
    rule: /^unknown-option$/,
  },
  { how: 'in quotes', change: (line) => `"${line}"`, rule: /^unknown-option$/ },
  {
    how: 'followed by a comment',
    change: (line) => `${line} # as it was`,
    rule: /^(trailing-text|ignored-value|invalid-range)$/,
  },
  {
    how: 'followed by other text',
    change: (line) => `${line} garbage`,
    rule: /^(trailing-text|ignored-value|invalid-range|invalid-boolean|invalid-number)$/,
  },
  {
    how: 'followed by a semicolon',
    change: (line) => `${line};`,
    rule: /^(trailing-text|unknown-option|invalid-range)$/,
  },
];
const BOOLEAN: readonly Mutation[] = ['0', 'no', 'false', 'off', 'N', 'False'].flatMap((value) => [
  { how: `=${value}`, change: (line) => `${line}=${value}`, rule: /^(switched-off|ignored-value)$/ },
  {
    how: `repeated with the value ${value}`,
    change: (line) => `${line} ${value}`,
    append: true,
    rule: /^(switched-off|ignored-value)$/,
  },
]);
const range = (how: string, pattern: RegExp, by: string, rule: RegExp, missing?: true): Mutation => ({
  how,
  change: (line) => line.replace(pattern, by),
  rule,
  ...(missing === undefined ? {} : { missing }),
});
const PEERS: readonly Mutation[] = [
  range('as a CIDR', /-[^-]*$/, '/8', /^invalid-range$/),
  range('with a CIDR as its upper end', /$/, '/8', /^invalid-range$/),
  range('inverted', /=(.*)-(.*)$/, '=$2-$1', /^(inverted-range|open-range)$/),
  range('without its upper end', /-[^-]*$/, '-', /^open-range$/),
  range('without its lower end', /=[^=]*-/, '=-', /^open-range$/),
  range('with a comma instead of the dash', /-([^-]*)$/, ',$1', /^invalid-range$/),
  range('with a third end', /$/, '-1.2.3.4', /^invalid-range$/),
  range('without its value', /=.*/, '=', /^public-peer-denied$/),
  range('reduced to one address', /-[^-]*$/, '', /./, true),
  range('without its last digit', /.$/, '', /./, true),
  range('and the same range allowed', /^denied/, 'allowed', /^peer-allowed$/),
];
(PEERS.at(-1) as Mutation).append = true;
const NONCE: readonly Mutation[] = [
  { how: '=0', change: () => 'stale-nonce=0', rule: /^missing-protection$/ },
  { how: '=never', change: () => 'stale-nonce=never', rule: /^invalid-number$/ },
  {
    how: 'repeated with the value 0',
    change: () => 'stale-nonce=0',
    append: true,
    rule: /^repeated-option$/,
  },
];
const REALM: readonly Mutation[] = [
  { how: 'without its value', change: () => 'realm=', rule: /^(missing-value|public-peer-denied)$/ },
  {
    how: 'repeated with another value',
    change: () => 'realm=example.net',
    append: true,
    rule: /^repeated-option$/,
  },
  { how: 'repeated without a value', change: () => 'realm', append: true, rule: /^missing-realm$/ },
];
const CREDENTIALS: readonly Mutation[] = [
  { how: 'with no-auth added', change: () => 'no-auth', append: true, rule: /^conflict$/ },
  { how: 'with no-auth=0 added', change: () => 'no-auth=0', append: true, rule: /^open-relay$/ },
  { how: 'with lt-cred-mech=0 added', change: () => 'lt-cred-mech=0', append: true, rule: /^open-relay$/ },
];

function mutationsOf(line: string): readonly Mutation[] {
  const name = line.split('=')[0];
  if (name === 'denied-peer-ip') return [...ANY, ...PEERS];
  if (name === 'stale-nonce') return [...ANY, ...NONCE];
  if (name === 'realm') return [...ANY, ...REALM];
  if (name === 'prometheus-address') return ANY.slice(0, 4);
  return name === 'lt-cred-mech' ? [...ANY, ...BOOLEAN, ...CREDENTIALS] : [...ANY, ...BOOLEAN];
}

/** Lines that protect the server: lint-config must find each fault in them. */
const PROTECTIVE =
  /^(denied-peer-ip|no-|lt-cred-mech|stale-nonce|realm|response-origin-only|prometheus-address)/;

interface Mutant {
  name: string;
  line: string;
  text: string;
  /** Number of the faulty line. */
  at: number;
  mutation: Mutation;
}

function mutantsOf(shipped: string): Mutant[] {
  const lines = shipped.split('\n');
  return lines.flatMap((line, index) =>
    PROTECTIVE.test(line)
      ? mutationsOf(line).flatMap((mutation) => {
          const changed = mutation.change(line);
          if (changed === undefined || changed === line) return [];
          const text = mutation.append
            ? [...lines, changed].join('\n')
            : lines.with(index, changed).join('\n');
          return [
            {
              name: `${line}, ${mutation.how}`,
              line,
              text,
              at: mutation.append ? lines.length + 1 : index + 1,
              mutation,
            },
          ];
        })
      : [],
  );
}

/** Mutants that do not change this version's behaviour: its default is the same, or it decodes the IPv6 address (tested on it). */
const EQUIVALENT: Record<KnownVersion, RegExp> = {
  '4.6.1': /^$/,
  '4.18.0':
    /^(denied-peer-ip=::|no-(cli|software-attribute|rfc5780)|response-origin-only).*, (deleted|commented out|reduced to one address|without its last digit)$|^denied-peer-ip=2002::.*, without its last digit$/,
};

/** Findings of a mutant that the original does not have. */
function news(version: KnownVersion, mutant: Mutant, before: ReadonlySet<string>): Finding[] {
  return lintFor(version, mutant.text).filter(
    ({ rule, message, level }) => !before.has(`${rule} ${level} ${message}`),
  );
}

describe.each(['4.6.1', '4.18.0'] as const)('mutants of the configuration shipped with %s', (version) => {
  const shipped = shippedConfiguration(version);
  const original = lintFor(version, shipped);
  const before = new Set(original.map(({ rule, message, level }) => `${rule} ${level} ${message}`));
  const mutants = mutantsOf(shipped);
  const found = mutants.map((mutant) => ({ mutant, news: news(version, mutant, before) }));

  it('have an original without errors and warnings', () =>
    expect(original.filter(({ level }) => level !== 'note')).toEqual([]));

  it('number at least 600', () => expect(mutants.length).toBeGreaterThanOrEqual(600));

  it('are all caught by the right rule, at the right line or as a missing setting', () => {
    const alive = found.filter(
      ({ mutant: { at, mutation, name }, news: all }) =>
        !EQUIVALENT[version].test(name) &&
        !all.some(
          ({ line, rule }) =>
            mutation.rule.test(rule) &&
            (mutation.missing ? line === undefined || rule === 'open-range' : line === at),
        ),
    );
    expect(alive.map(({ mutant }) => mutant.name)).toEqual([]);
  });

  it('are reported by notes alone only if something else still protects the server', () => {
    const light = found
      .filter(({ news: all }) => all.length > 0 && all.every(({ level }) => level === 'note'))
      .map(({ mutant: { name } }) =>
        name.replace(/, (deleted|commented out|reduced to one address|without its last digit)$/, ''),
      );
    // turnserver itself guards against it, the default is the same, or it does not matter.
    const guarded =
      version === '4.6.1'
        ? /^(denied-peer-ip=(0\.0|127|224)\.|denied-peer-ip=::1-::ff$|no-(cli|rfc5780|software|stun)|response-origin|stale-nonce)/
        : /^(denied-peer-ip=(0\.0|127|169\.254|224)\.|denied-peer-ip=(::|4000::)|stale-nonce)/;
    expect(light.filter((name) => !guarded.test(name))).toEqual([]);
  });
});
