import { describe, expect, it } from 'vitest';
import type { Finding } from '../../../src/config/finding.ts';
import type { Setting } from '../../../src/config/settings.ts';
import { unknownOptions } from '../../../src/config/unknown-option.ts';

/** A check against a table with only these options. */
function check(options: readonly string[], version = '4.6.1'): (name: string) => string[] {
  const table = options.map((name) => ({ name, value: 'optional' as const, conditions: [] }));
  const report = unknownOptions({ version, options: table });
  return (name) => report(settingOf(name)).map(shown);
}

const settingOf = (name: string): Setting => ({
  line: 3,
  column: 2,
  name,
  value: '',
  quoted: false,
  bytes: 9,
  rest: false,
});
const shown = ({ line, column, level, rule, message }: Finding) =>
  `${line}:${column} ${level} ${rule}: ${message}`;

const unknown = (name: string, hint = '') => [
  `3:2 error unknown-option: turnserver 4.6.1 has no option "${name}"${hint}`,
];
const meant = (name: string, option: string) => unknown(name, `; did you mean ${option}?`);

describe('an unknown option', () => {
  const of = check(['realm', 'min-port', 'Verbose', 'no-auth', 'cli', 'denied-peer-ip']);

  it.each([
    ['realms', 'realm'],
    ['-realm', 'realm'],
    ['--realm', 'realm'],
    ['REALM', 'realm'],
    ['realm:', 'realm'],
    ['realm;x', 'realm'],
    ['min_port', 'min-port'],
    ['MIN_PORT', 'min-port'],
    ['verbose', 'Verbose'],
    ['denied-peer-pi', 'denied-peer-ip'],
  ])('%s probably means %s', (name, option) => expect(of(name)).toEqual(meant(name, option)));

  it('gets no suggestion if no name is close', () =>
    expect(of('something-else')).toEqual(unknown('something-else')));

  it('suggests a weakening option only if nothing but case or separators differ', () => {
    expect(of('NO_AUTH')).toEqual(meant('NO_AUTH', 'no-auth'));
    expect(of('--no-auth')).toEqual(meant('--no-auth', 'no-auth'));
    expect(of('no-auht')).toEqual(unknown('no-auht'));
    expect(of('clii')).toEqual(unknown('clii'));
  });

  it('never means its opposite', () => {
    expect(check(['multi-threading'])('no-multi-threading')).toEqual(unknown('no-multi-threading'));
    expect(check(['no-multi-threading'])('multi-threading')).toEqual(unknown('multi-threading'));
    expect(check(['multi-threading'])('multi-threadin')).toEqual(meant('multi-threadin', 'multi-threading'));
  });

  it('is reported with the version that added or removed it', () => {
    const none = check([]);
    expect(none('cpus')).toEqual([
      '3:2 error unknown-option: turnserver 4.6.1 has no option cpus: it was added in 4.8.0',
    ]);
    expect(none('no-http')).toEqual([
      '3:2 warning removed-option: no-http was removed in coturn 4.5.1: the web interface is off unless web-admin is set',
    ]);
    expect(none('sha256')).toEqual([
      '3:2 error removed-option: sha256 was removed in coturn 4.5.0: message integrity is SHA-1 (RFC 5389)',
    ]);
  });
});

describe('the limits of suggestions', () => {
  it('are 70 characters of a name, which is cut off there', () => {
    const [most, more] = ['n'.repeat(70), 'n'.repeat(71)];
    const of = check(['n'.repeat(72)]);
    expect(of(most)).toEqual(meant(most, 'n'.repeat(72)));
    expect(of(more)).toEqual(unknown(`${most}...`));
  });

  it('are 1,000 names', () => {
    const of = check(['realm']);
    for (let i = 0; i < 998; i++) expect(of(`other-${i}`)).toHaveLength(1);
    expect(of('realms')).toEqual(meant('realms', 'realm'));
    expect(of('ralm')).toEqual(meant('ralm', 'realm'));
    expect(of('realmm')).toEqual(unknown('realmm'));
    // Names that were compared before still have their suggestion.
    expect(of('realms')).toEqual(meant('realms', 'realm'));
    expect(of('ralm')).toEqual(meant('ralm', 'realm'));
  });

  it('do not count a name twice', () => {
    const of = check(['realm']);
    for (let i = 0; i < 1100; i++) expect(of('realms')).toEqual(meant('realms', 'realm'));
    expect(of('ralm')).toEqual(meant('ralm', 'realm'));
  });
});

describe('a byte order mark', () => {
  const of = check(['realm']);
  const begins =
    'unknown-option: the file begins with a byte order mark, which turnserver reads as part of the first line';

  it('hides the option behind it', () =>
    expect(of('\uFEFFrealm')).toEqual([
      `3:2 error ${begins}: turnserver ignores realm; save the file without it`,
    ]));

  it.each(['', '#', 'unknown'])('is only a warning before "%s"', (name) =>
    expect(of(`\uFEFF${name}`)).toEqual([`3:2 warning ${begins}; save the file without it`]),
  );

  it('is part of a name elsewhere', () =>
    expect(of('other-option\uFEFF')).toEqual(unknown('other-option\uFEFF')));
});
