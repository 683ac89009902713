import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { LintContext } from '../../../src/config/finding.ts';
import { lintConfig } from '../../../src/config/lint.ts';
import { type ConfigOption, parseOptionList } from '../../../src/config/option-table.ts';
import { renderTemplate } from '../../../src/plan/template.ts';

const read = (path: string) => readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8');
// The table of the real turnserver 4.6.1.
const options: ConfigOption[] = parseOptionList(read('test/fixtures/verified-4.6.1/options.txt'));
const context: LintContext = {
  version: '4.6.1',
  options,
  removed: [{ option: 'no-loopback-peers', removed: '4.6.2', note: 'it is the default' }],
};
const shipped = renderTemplate(read('recipes/packaging/common/turnserver.conf'), {
  values: { version: '4.6.1', minPort: 49152, maxPort: 65534, ports: 16383, nofile: 34766 },
  options: new Set(options.map(({ name }) => name)),
});
const lint = (text: string, more: Partial<LintContext> = {}) => lintConfig(text, { ...context, ...more });
const rules = (text: string, more: Partial<LintContext> = {}) =>
  lint(text, more)
    .filter(({ level }) => level !== 'note')
    .map(({ rule, line }) => (line === undefined ? rule : `${rule}:${line}`));

/** The shipped configuration with one line more, and the number of that line. */
const withLine = (line: string) => rules(`${line}\n${shipped}`);

describe('the shipped configuration', () => {
  it('has nothing to complain of', () => expect(rules(shipped)).toEqual([]));

  it('nor has it by the rules of later versions', () =>
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
    ['log-file=stdout;', ['trailing-text:1']],
    ['no-udp=maybe', ['invalid-boolean:1']],
    ['no-multicast-peers=0', ['switched-off:1']],
    ['no-software-attribute=no', ['switched-off:1']],
    ['no-udp=0', []],
    ['user-quota=many', ['invalid-number:1']],
    ['cli-port=70000', ['invalid-number:1']],
    ['denied-peer-ip=10.0.0.0/8', ['invalid-range:1']],
    ['denied-peer-ip=10.0.0.9-10.0.0.1', ['inverted-range:1']],
    ['denied-peer-ip=fe80::1-fe80::', ['inverted-range:1']],
    ['denied-peer-ip="20.0.0.0-20.0.0.255"', []],
    ['denied-peer-ip 20.0.0.0-20.0.0.255', []],
    ['allowed-peer-ip=10.0.0.5', ['peer-allowed:1']],
    ['allowed-peer-ip=20.0.0.5', []],
    ['allow-loopback-peers', ['peer-allowed:1']],
    ['no-auth', ['open-relay:1']],
    ['static-auth-secret=north', ['known-secret:1']],
    ['static-auth-secret=short', ['weak-secret:1']],
    [`static-auth-secret=${'x'.repeat(32)}`, []],
    ['user=alice:password', ['known-secret:1']],
    ['user=alice:Pee4aiXoaz2eech3', []],
    ['cli-password=qwerty', ['known-secret:1']],
    ['cli-password=Pee4aiXoaz2eech3', []],
    ['web-admin', ['administration:1']],
    [`realm=${'x'.repeat(1100)}`, ['line-too-long:1']],
    ['# denied-peer-ips=whatever', []],
  ])('%s: %s', (line, expected) => expect(withLine(line)).toEqual(expected));

  it('names the nearest option, and what is gone since when', () => {
    const [misspelt] = lint(`denied-peer-pi=10.0.0.1\n${shipped}`);
    expect(misspelt?.message).toMatch(
      /4\.6\.1 has no option "denied-peer-pi"; did you mean denied-peer-ip\?/,
    );
    const [gone] = lint(`no-loopback-peers\n${shipped}`, { version: '4.6.3' });
    expect(gone).toMatchObject({
      rule: 'removed-option',
      message: expect.stringMatching(/gone since 4\.6\.2/),
    });
  });

  it('that is no lower end for turnserver is one that denies the public internet', () =>
    expect(withLine('denied-peer-ip=::-::ffff')).toEqual(
      expect.arrayContaining(['range-without-start:1', 'public-peer-denied']),
    ));

  it('that begins in IPv4 and ends in IPv6 denies all that is between', () =>
    expect(withLine('denied-peer-ip=10.0.0.1-fe80::')).toEqual(
      expect.arrayContaining(['inverted-range:1', 'public-peer-denied']),
    ));

  it('that holds by number only is enough from 4.16 on', () => {
    const text = shipped
      .replace(/^denied-peer-ip=::1:0:0-.*$/m, '')
      .replace(/^denied-peer-ip=::100:0:0-.*$/m, 'denied-peer-ip=::1:0:0-::ffff:ffff:ffff');
    expect(rules(text)).toContain('peer-not-denied');
    expect(rules(text, { version: '4.16.0' })).not.toContain('peer-not-denied');
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

describe('what turnserver does by itself', () => {
  it('an account switches credentials on', () => {
    const text = shipped.replace(/^lt-cred-mech$/m, '');
    expect(rules(text)).toContain('open-relay');
    expect(rules(`${text}\nuser=alice:Pee4aiXoaz2eech3`)).toEqual([]);
  });

  it('loopback and multicast are refused, so a forgotten range is a note', () => {
    const text = shipped.replace(/^denied-peer-ip=127.*$/m, '').replace(/^denied-peer-ip=224.*$/m, '');
    expect(rules(text)).toEqual([]);
    expect(lint(text).filter(({ rule }) => rule === 'single-guard')).not.toEqual([]);
    expect(rules(text.replace(/^no-multicast-peers$/m, ''))).toContain('peer-not-denied');
    expect(rules(`${text}\nallow-loopback-peers`)).toContain('peer-not-denied');
  });

  it('the telnet interface is off without a password, and on with one', () => {
    const text = shipped.replace(/^no-cli$/m, '');
    expect(rules(text)).toEqual([]);
    expect(rules(`cli-password=Pee4aiXoaz2eech3\n${text}`)).toEqual(['administration:1']);
  });

  it('an empty configuration gets a short list', () => {
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
    ['prometheus=0', undefined],
  ])('%s: %s', (lines, level) => {
    const text = shipped.replaceAll(/^prometheus.*$/gm, '');
    const found = lint(`${text}\n${lines}`, { version: '4.7.0', options: newer });
    expect(found.find(({ rule }) => rule === 'public-metrics')?.level).toBe(level);
  });
});

/** Every way to get a line wrong that this test knows. */
const MUTATIONS: [string, (line: string) => string | undefined][] = [
  ['deleted', () => ''],
  ['commented out', (line) => `# ${line}`],
  ['misspelt', (line) => line.replace(/^(.)(.)/, '$2$1')],
  ['with a letter more', (line) => line.replace(/^([\w-]+)/, '$1s')],
  ['in capitals', (line) => line.replace(/^[\w-]+/, (name) => name.toUpperCase())],
  ['with a dash', (line) => `--${line}`],
  ['with a comment behind', (line) => `${line} # as it was`],
  [
    'without its value',
    (line) =>
      // A stale-nonce without a value is one of 600 seconds, as shipped.
      line.includes('=') && !line.startsWith('stale-nonce') ? line.replace(/=.*/, '=') : undefined,
  ],
  ['switched off', (line) => (line.includes('=') ? undefined : `${line}=0`)],
  ['as a CIDR', (line) => (/peer-ip/.test(line) ? line.replace(/-[^-]*$/, '/8') : undefined)],
  ['inverted', (line) => (/peer-ip/.test(line) ? line.replace(/=(.*)-(.*)$/, '=$2-$1') : undefined)],
  ['with its end cut off', (line) => (/peer-ip/.test(line) ? line.replace(/-[^-]*$/, '') : undefined)],
  ['with one end only', (line) => (/peer-ip/.test(line) ? line.replace(/=[^-]*-/, '=-') : undefined)],
];
/** Lines that protect: each of them wrong has to be seen. */
const PROTECTIVE = /^(denied-peer-ip|no-|lt-cred-mech|stale-nonce|realm)/;
/** Lines that matter to how much is shown or compatible, not to what is allowed: their absence is a matter of taste. */
const TASTE = /^(no-rfc5780|no-stun-backward-compatibility)/;

describe('mutants of the shipped configuration', () => {
  const lines = shipped.split('\n');
  const mutants = lines.flatMap((line, index) =>
    PROTECTIVE.test(line)
      ? MUTATIONS.flatMap(([how, change]) => {
          const changed = change(line);
          const absent = how === 'deleted' || how === 'commented out';
          if (changed === undefined || changed === line || (absent && TASTE.test(line))) return [];
          return [{ name: `${line}, ${how}`, text: lines.with(index, changed).join('\n') }];
        })
      : [],
  );
  it('are enough', () => expect(mutants.length).toBeGreaterThanOrEqual(200));

  it('are all caught', () => {
    const before = new Set(lint(shipped).map(({ rule, message }) => `${rule} ${message}`));
    const alive = mutants.filter(({ text }) =>
      lint(text).every(({ rule, message }) => before.has(`${rule} ${message}`)),
    );
    expect(alive.map(({ name }) => name)).toEqual([]);
  });
});
