import { describe, expect, it } from 'vitest';
import { parseSettings } from '../../../src/config/settings.ts';
import { lintFor, summaries } from '../../support/configurations.ts';

describe('a line as turnserver reads it', () => {
  it.each([
    ['realm=example.org', 'realm', 'example.org'],
    ['realm example.org', 'realm', 'example.org'],
    ['realm\t = \texample.org \t', 'realm', 'example.org'],
    ['  realm="example.org"  ', 'realm', 'example.org'],
    ['realm="example.org', 'realm', 'example.org'],
    ['realm=example.org"', 'realm', 'example.org"'],
    ["realm='example.org'", 'realm', "'example.org'"],
    ['realm=example.org\r', 'realm', 'example.org'],
    ['realm=a=b', 'realm', 'a=b'],
    ['no-cli', 'no-cli', ''],
    ['no-cli=', 'no-cli', ''],
    ['=no-cli', '', 'no-cli'],
    ['\uFEFFno-cli', '\uFEFFno-cli', ''],
    // Only line feeds end a line, and only spaces and tabs are skipped before a name.
    ['no-cli\rno-udp', 'no-cli\rno-udp', ''],
    ['\rno-cli', '\rno-cli', ''],
  ])('%j', (line, name, value) => expect(parseSettings(line)).toMatchObject([{ name, value, line: 1 }]));

  it.each(['', '   ', '\t\r', '# realm=x', '   # realm=x', '#'])('contains no setting: %j', (line) =>
    expect(parseSettings(line)).toEqual([]),
  );
});

describe('a line of more than 1,023 bytes', () => {
  const comment = (bytes: number) => `# ${'x'.repeat(bytes - 2)}`;
  it('is read as two lines, even in a comment', () =>
    expect(parseSettings(`${comment(1023)}no-auth\nno-cli`)).toMatchObject([
      { line: 1, column: 1024, name: 'no-auth', rest: true },
      { line: 2, column: 1, name: 'no-cli', rest: false },
    ]));

  it('is measured in bytes, not characters', () =>
    expect(parseSettings(`# x${'ä'.repeat(510)}no-auth`)).toMatchObject([
      { column: 514, name: 'no-auth', rest: true },
    ]));

  it.each([
    [`${comment(1023)}no-auth`, ['1 error line-too-long', '1 error open-relay']],
    [`${comment(1023)} words`, ['1 warning line-too-long']],
    [`${comment(1023)}# words`, []],
    [comment(1023), []],
    [`realm=${'x'.repeat(1100)}`, ['1 error line-too-long']],
  ])('%#: is reported if its rest has an effect', (text, expected) =>
    expect(summaries(lintFor('4.6.1', text)).filter((each) => each.startsWith('1 '))).toEqual(expected),
  );
});
