import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../support/sandbox.ts';

const program = fileURLToPath(new URL('../../recipes/packaging/common/unknown-options.awk', import.meta.url));
const names = readFileSync(new URL('../fixtures/verified-4.6.1/options.txt', import.meta.url), 'utf8')
  .split('\n')
  .map((line) => line.split(' ')[0]);

/** The package's output for a configuration: `LINE NAME` for each unknown option, and the full output. */
function unknownIn(configuration: string | Buffer): { found: string[]; text: string } {
  const dir = temporaryFolder();
  writeFileSync(join(dir, 'options'), names.join('\n'));
  writeFileSync(join(dir, 'turnserver.conf'), configuration);
  const run = spawnSync('awk', ['-f', program, join(dir, 'options'), join(dir, 'turnserver.conf')], {
    encoding: 'utf8',
    env: { ...process.env, LC_ALL: 'C' },
  });
  expect(run.stderr).toBe('');
  expect(run.status).toBe(0);
  const found = [...run.stdout.matchAll(/turnserver\.conf line (\d+): .*?(?:"(.*?)"|longer)/g)];
  return { found: found.map(([, line, name]) => `${line} ${name ?? '(rest)'}`), text: run.stdout };
}

const LONG = 'x'.repeat(1023);

describe('the check for unknown options', () => {
  it.each([
    ['known options', 'realm=x\nno-cli\ncert /a\npkey\t/b\nmin-port = 1\n', []],
    ['blanks before and after', ' \t no-cli \r\n\n  \n\t\n', []],
    ['quotes', 'realm "a b"\ncert="no-such"\n', []],
    ['comments', '# no-such\n \t#no-such\n', []],
    ['a misspelt option', 'realm=x\ndenied-peer-ips=10.0.0.0-10.0.0.1\n', ['2 denied-peer-ips']],
    [
      'a removed option and one that never existed',
      'no-loopback-peers\nrealm=x\nnon-option=3',
      ['1 no-loopback-peers', '3 non-option'],
    ],
    ['upper and lower case', 'No-CLI\n', ['1 No-CLI']],
    ['the dashes of the command line', '--no-cli\n', ['1 --no-cli']],
    ['the short options of the command line', 'v\nL=1.2.3.4\n', ['1 v', '2 L']],
    ['a comment after an option', 'no-cli # off\nno-cli#off\n', ['2 no-cli...']],
    ['a semicolon', 'no-cli;\n', ['1 no-cli...']],
    ['a missing name', '=x\n', ['1 ']],
    ['the same option twice', 'a\na\n', ['1 a', '2 a']],
    ['a leading carriage return, which turnserver reads as a name', '\rno-cli\n', ['1 ...']],
    ['bytes that are not text', Buffer.from([0xc3, 0x28, 0x3d, 0x31, 0x0a]), ['1 ...']],
    ['a line of the maximum length', `#${LONG.slice(1)}\n`, []],
    ['a line one byte too long, whose rest is read as a new line', `#${LONG}\n`, ['1 (rest)']],
    ['an overlong line whose rest is a known option', `#${LONG.slice(1)}no-cli\n`, []],
    ['an empty file', '', []],
  ])('handles %s', (_, configuration, expected) => expect(unknownIn(configuration).found).toEqual(expected));

  it('explains the consequence once', () => {
    expect(unknownIn('a\nb\n').text).toMatch(
      /^(.*ignores the line\n){2}coturn: warning: turnserver ignores these lines \(2\) and only logs that\. Whatever they should deny or disable stays enabled\. See turnserver\(1\)\.\n$/,
    );
    expect(unknownIn('realm=x\n').text).toBe('');
  });

  it('shows nothing that could be a secret', () => {
    const secret = 'Zm9vYmFyYmF6cXV4'.repeat(4);
    const { found, text } = unknownIn(
      `${secret}\nstatic-auth-secret:${secret}\nuser;a:${secret}\nuse r=${secret}`,
    );
    expect(found).toEqual(['1 ...', '2 static-auth-secret...', '3 user...', '4 use']);
    expect(text).not.toContain('Zm9v');
  });
});
