import { describe, expect, it } from 'vitest';
import type { ConfigOption } from '../../../src/config/option-table.ts';
import { parseSettings } from '../../../src/config/settings.ts';
import { lintSettings } from '../../../src/config/values.ts';

/** Checks lines with a table that has an option of each name; `more` applies to all of them. */
function check(text: string, more: Partial<ConfigOption> = {}, version = '4.18.0') {
  const settings = parseSettings(text);
  const options = settings
    .filter(({ rest }) => !rest)
    .map(({ name }): ConfigOption => ({ name, value: 'optional', conditions: [], ...more }));
  return lintSettings(settings, { version, options }).map(
    ({ rule, level, effect, message }) => `${effect ?? level} ${rule}: ${message}`,
  );
}

describe('the length of a line', () => {
  const line = (bytes: number) => 'realm='.padEnd(bytes, 'x');

  it('may be 1023 bytes', () => expect(check(line(1023))).toEqual([]));

  it('may not be 1024 bytes', () =>
    expect(check(line(1024))).toEqual(['error line-too-long: the line has 1024 bytes']));

  it.each([40, 41])('shows at most 40 of %i characters after an overlong comment', (length) =>
    expect(check(`${'#'.padEnd(1023, 'x')}${'y'.repeat(length)}`)).toEqual([
      `warning line-too-long: the comment has ${1023 + length} bytes: turnserver reads "${'y'.repeat(40)}" in it as a setting`,
    ]),
  );
});

describe('the reading of an option', () => {
  it.each([
    ['realm=x', 'fatal', ['fatal command-line-only: realm belongs on the command line']],
    ['realm=x', 'none', ['note unused-option: realm has no effect in coturn 4.18.0']],
    ['realm', 'flag', []],
    ['realm=yes', 'flag', []],
    ['realm=no', 'flag', ['warning ignored-value: realm is enabled: turnserver ignores "no"']],
    ['realm=x', 'flag', ['warning ignored-value: realm is enabled: turnserver ignores "x"']],
    ['realm=x', 'number', ['error invalid-number: realm must be a number, not "x"']],
    ['realm=5', 'number', []],
    ['realm=5x', 'number', ['error invalid-number: turnserver reads "5x" as 5']],
    ['realm=', 'number', []],
    ['realm=x', 'text', []],
    ['cpus=x', 'text', ['error invalid-number: cpus must be a number of at least 1, not "x"']],
    ['user-quota=x', 'text', ['error invalid-number: user-quota must be a number up to 2147483647, not "x"']],
    [
      'sock-buf-size=x',
      'text',
      ['error invalid-number: sock-buf-size must be a number of at least 1, not "x"'],
    ],
    ['max-bps=', 'number', []],
  ] as const)('judges %s, read as %s', (line, reading, found) =>
    expect(check(line, { reading })).toEqual(found),
  );
});

describe('the build feature of an option', () => {
  it.each([
    [
      '!defined(TURN_NO_PROMETHEUS)',
      ['note optional-feature: realm requires a build with Prometheus support'],
    ],
    ['!defined(TURN_NO_MYSQL)', ['note optional-feature: realm requires a build with MySQL support']],
    ['!defined(TURN_NO_SQLITE)', ['note optional-feature: realm requires a build with SQLite support']],
    ['defined(OTHER)', []],
  ])('is derived from the condition %s', (condition, found) =>
    expect(check('realm=x', { conditions: [condition] })).toEqual(found),
  );
});

describe('the value of a boolean', () => {
  it.each([
    [
      'verbose=yes # on',
      ['warning trailing-text: the comment is part of the value of verbose; turnserver reads "yes"'],
    ],
    [
      'verbose=no # off',
      ['warning trailing-text: the comment is part of the value of verbose; turnserver reads "no"'],
    ],
    ['verbose="# on"', ['fatal trailing-text: the comment becomes part of the value of verbose: "# on"']],
    ['verbose=maybe', ['fatal invalid-boolean: verbose must be yes or no, not "maybe"']],
  ])('%s is reported', (line, found) => expect(check(line)).toEqual(found));
});

describe('the bounds of a number', () => {
  const invalid = (line: string, limit: string, effect = 'error') => {
    const [name, value] = line.split('=');
    return [`${effect} invalid-number: ${name} must be a number ${limit}, not "${value}"`];
  };

  it.each([
    ['sock-buf-size=1', []],
    ['sock-buf-size=0', invalid('sock-buf-size=0', 'of at least 1')],
    ['cpus=128', []],
    ['cpus=129', invalid('cpus=129', 'up to 128')],
    ['multiplex-peer-port=1', []],
    ['multiplex-peer-port=0', invalid('multiplex-peer-port=0', 'from 1 to 65000', 'fatal')],
    ['multiplex-peer-port=65000', []],
    ['multiplex-peer-port=65001', invalid('multiplex-peer-port=65001', 'from 1 to 65000', 'fatal')],
    ['multiplex-peer-max-peers=65535', []],
    ['multiplex-peer-max-peers=65536', invalid('multiplex-peer-max-peers=65536', 'from 1 to 65535', 'fatal')],
    ['max-port=65535', []],
    ['max-port=65536', invalid('max-port=65536', 'up to 65535', 'fatal')],
    ['max-port=5x', invalid('max-port=5x', 'up to 65535', 'fatal')],
    ['max-port=x', invalid('max-port=x', 'up to 65535', 'fatal')],
    ['ne=3', []],
    ['ne=4', invalid('ne=4', 'up to 3', 'fatal')],
    ['ne=x', invalid('ne=x', 'up to 3')],
    ['relay-threads=128', []],
    ['relay-threads=129', invalid('relay-threads=129', 'up to 128')],
    ['channel-lifetime=9007199254740991', []],
    [
      'channel-lifetime=9007199254740992',
      ['error invalid-number: channel-lifetime must be a number, not "9007199254740992"'],
    ],
  ])('apply to %s', (line, found) => expect(check(line)).toEqual(found));
});

describe('text after a number', () => {
  it.each([
    ['5 # five', 'warning trailing-text'],
    ['5 ;', 'warning trailing-text'],
    ['5;', 'warning trailing-text'],
    ['5 ; ', 'warning trailing-text'],
    ['5 five', 'error invalid-number'],
    ['5#', 'error invalid-number'],
  ])('%s is reported', (value, found) =>
    expect(check(`relay-threads="${value}"`)).toEqual([`${found}: turnserver reads "${value}" as 5`]),
  );
});

describe('a text value', () => {
  const notServer = 'is not ADDRESS:PORT, or [ADDRESS]:PORT for IPv6';

  it.each([
    ['realm=x # y', ['error trailing-text: the comment becomes part of the value of realm: "x # y"']],
    ['log-min-level=', []],
    ['log-min-level=info', []],
    ['log-min-level=loud', ['error invalid-value: "loud" is not a valid value of log-min-level']],
    ['prometheus-path=', []],
    ['prometheus-path=/x', []],
    [
      'prometheus-path=x',
      ['error invalid-value: prometheus-path must begin with a slash: no request matches "x"'],
    ],
    ['alternate-server=', []],
    ['alternate-server=relay:1', []],
    ['alternate-server=relay:65536', [`error invalid-address: "relay:65536" ${notServer}`]],
    ['relay-ip=', []],
    ['relay-ip=10.0.0.256', ['error invalid-address: "10.0.0.256" is not an IP address']],
    ['aux-server=', []],
    ['aux-server=10.0.0.1:1', []],
    [
      'aux-server=10.0.0.1',
      [
        'error invalid-address: "10.0.0.1" has no port: turnserver listens on a random port, which clients do not know',
      ],
    ],
    // Placeholders are reported by a rule of their own.
    ['alternate-server=$(SERVER)', []],
    ['relay-ip=$(ADDRESS)', []],
    ['aux-server=YOUR_IP', []],
  ])('%s is judged', (line, found) => expect(check(line, { reading: 'text' })).toEqual(found));
});
