import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, onTestFinished, test } from 'vitest';
import { lintConfigFile } from '../../src/commands/lint-config.ts';
import { lintFor } from '../support/configurations.ts';
import { coturnTar } from '../support/coturn-tree.ts';
import { temporaryFolder } from '../support/sandbox.ts';
import { file as tarFile } from '../support/tar-builder.ts';
import { turnbuild } from '../support/turnbuild.ts';

const RECIPES = new URL('../../recipes', import.meta.url).pathname;
const ROOT = new URL('../../', import.meta.url).pathname;
const KINDS = ['no_argument', 'required_argument', 'optional_argument'];

/** The option table of the real 4.6.1, as in its source. */
function mainrelay(): string {
  const list = readFileSync(new URL('../fixtures/verified-4.6.1/options.txt', import.meta.url), 'utf8');
  const entries = list
    .trim()
    .split('\n')
    .map((line) => line.split(' '))
    .map(([name, kind]) => `  { "${name}", ${KINDS[Number(kind)]}, NULL, 1 },`);
  return `static const struct myoption long_options[] = {\n${entries.join('\n')}\n  { NULL, no_argument, NULL, 0 }\n};\n`;
}

/** Writes a configuration, and a tarball with this mainrelay.c. */
function write(text: string | Buffer, source: string): { dir: string; sha256: string } {
  const dir = temporaryFolder();
  const tar = gzipSync(coturnTar('4.6.1', [tarFile('coturn/src/apps/relay/mainrelay.c', source)]));
  writeFileSync(join(dir, 'coturn.tar.gz'), tar);
  writeFileSync(join(dir, 'turnserver.conf'), text);
  return { dir, sha256: createHash('sha256').update(tar).digest('hex') };
}

/** Runs the command in this process, because a new one takes half a second. Returns its output and exit code. */
async function command(text: string | Buffer): Promise<{ lines: string[]; code: number }> {
  const { dir, sha256 } = write(text, mainrelay());
  const lines: string[] = [];
  const output = { line: (line: string) => void lines.push(line), styled: () => {}, data: () => {} };
  const source = join(dir, 'coturn.tar.gz');
  const options = { version: '4.6.1', source, sha256, recipes: RECIPES };
  const { signal } = new AbortController();
  return { code: await lintConfigFile(join(dir, 'turnserver.conf'), options, output, signal), lines };
}

/** `turnbuild lint-config` on a configuration, for a tarball with this mainrelay.c. */
async function lint(text: string | Buffer, args: string[] = [], source = mainrelay()) {
  const { dir, sha256 } = write(text, source);
  const where = ['--source', './coturn.tar.gz', '--sha256', sha256, '--version', '4.6.1'];
  return turnbuild(['lint-config', 'turnserver.conf', ...where, ...args], { cwd: dir });
}

const SHIPPED = new URL('../fixtures/verified-4.6.1/inspect/turnserver.conf', import.meta.url);
const BAD = 'lt-cred-mech\nrealm=example.org\n\ndenied-peer-pi=10.0.0.0-10.255.255.255\n';

describe('turnbuild lint-config', () => {
  test('reports line, column, reason and rule, and exits with 1', async () => {
    const run = await lint(BAD);
    expect(run.stdout).toMatch(
      /^turnserver\.conf:4:1: error: turnserver 4\.6\.1 has no option "denied-peer-pi"; did you mean denied-peer-ip\? \[unknown-option\]$/m,
    );
    expect(run.stdout).toMatch(
      /^turnserver\.conf: error: no denied-peer-ip covers private \(RFC 1918\) such as 10\.0\.0\.1/m,
    );
    expect(run.stdout).toMatch(/^\d+ errors, \d+ warnings, \d+ notes, for coturn 4\.6\.1$/m);
    expect(run.code).toBe(1);
  });

  test('does not count findings accepted in the file or on the command line', async () => {
    const text = `${readFileSync(SHIPPED, 'utf8')}\n# turnbuild: accept weak-crypto: old clients\ndh1066\nserver-relay\n`;
    const options = ['--accept', 'server-relay', '--reason', 'a laboratory'];
    const run = await lint(text, options);
    expect(run.stdout).toMatch(/^turnserver\.conf:\d+:1: accepted \(old clients\): .* \[weak-crypto\]$/m);
    expect(run.stdout).toMatch(/^turnserver\.conf:\d+:1: accepted \(a laboratory\): .* \[server-relay\]$/m);
    expect(run.stdout).toMatch(/^0 errors, 0 warnings, \d+ notes?, 2 accepted, for coturn 4\.6\.1$/m);
    expect(run.code).toBe(0);
    const [{ results }] = JSON.parse((await lint(text, ['--sarif', ...options])).stdout).runs;
    const suppressed = results.flatMap(({ suppressions }: { suppressions: object[] }) => suppressions);
    expect(suppressed).toEqual([
      { kind: 'inSource', status: 'accepted', justification: 'old clients' },
      { kind: 'external', status: 'accepted', justification: 'a laboratory' },
    ]);
    expect((await lint(text)).code).toBe(1);
  });

  test('needs no pin, because nothing is built from the sources', async () => {
    const { dir } = write('lt-cred-mech\n', mainrelay());
    const where = ['--source', './coturn.tar.gz', '--lock', 'none.json'];
    const run = await turnbuild(['lint-config', 'turnserver.conf', ...where], { cwd: dir });
    expect(run.stdout).toMatch(/for coturn 4\.6\.1$/m);
    const build = await turnbuild(['source', ...where], { cwd: dir });
    expect(build.stderr).toMatch(/SOURCE_UNPINNED/);
  });

  test('lets users accept quarantined-release, but not invalid-acceptance', async () => {
    const dir = temporaryFolder();
    const tar = gzipSync(coturnTar('4.17.1', [tarFile('coturn/src/apps/relay/mainrelay.c', mainrelay())]));
    writeFileSync(join(dir, 'coturn.tar.gz'), tar);
    const text = '# turnbuild: accept quarantined-release: behind one router\nlt-cred-mech\n';
    writeFileSync(join(dir, 'turnserver.conf'), text);
    const args = ['lint-config', 'turnserver.conf', '--source', './coturn.tar.gz', '--lock', 'none.json'];
    const run = await turnbuild(args, { cwd: dir });
    expect(run.stdout).toMatch(
      /: accepted \(behind one router\): coturn 4\.17\.1: .* \[quarantined-release\]$/m,
    );
    expect(run.stdout).not.toMatch(/invalid-acceptance/);
    const refused = await turnbuild([...args, '--accept', 'invalid-acceptance', '--reason', 'x'], {
      cwd: dir,
    });
    expect(refused.stderr).toMatch(/invalid-acceptance cannot be accepted/);
    expect(refused.code).toBe(2);
  });

  test('accepts a version with a leading v', async () => {
    const run = await lint('realm=example.org\n', ['--version', 'v4.6.1', '--json']);
    expect(JSON.parse(run.stdout)).toMatchObject({ version: '4.6.1' });
  });

  test('prints a complete list of denied peer ranges with --print-deny', async () => {
    const run = await turnbuild(['lint-config', '--print-deny']);
    const found = lintFor('4.6.1', run.stdout).map(({ rule }) => rule);
    expect(found).not.toContain('peer-not-denied');
    expect(found).not.toContain('unroutable-peer');
    expect(run.code).toBe(0);
  });

  test('prints the same findings as JSON and as SARIF', async () => {
    const json = JSON.parse((await lint(BAD, ['--json'])).stdout);
    expect(json.findings[0]).toMatchObject({ rule: 'unknown-option', level: 'error', line: 4, column: 1 });
    const sarif = JSON.parse((await lint(BAD, ['--sarif'])).stdout);
    expect(sarif.version).toBe('2.1.0');
    const [{ tool, results }] = sarif.runs;
    expect(results).toHaveLength(json.findings.length);
    expect(results[0].locations[0].physicalLocation).toEqual({
      artifactLocation: { uri: 'turnserver.conf' },
      region: { startLine: 4, startColumn: 1 },
    });
    for (const result of results) expect(tool.driver.rules[result.ruleIndex].id).toBe(result.ruleId);
  });

  test('reports no error or warning for the shipped configuration and exits with 0', async () => {
    const run = await lint(readFileSync(SHIPPED));
    expect(run.stdout).toMatch(/0 errors, 0 warnings/);
    expect(run.code).toBe(0);
  });

  test('explains why it cannot read the options of a source', async () => {
    const run = await lint(BAD, [], 'int main(void) { return 0; }');
    expect(run.stderr).toMatch(
      /Cannot read the options of coturn 4\.6\.1 from .*no long_options[\s\S]*OPTIONS_UNREADABLE/,
    );
    expect(run.code).toBe(1);
  });

  test('exits with 0 if there are only warnings', async () => {
    const run = await lint(`${readFileSync(SHIPPED, 'utf8')}\ndh1066\n`);
    expect(run.stdout).toMatch(/turnserver\.conf:\d+:1: warning: Diffie-Hellman .* \[weak-crypto\]/);
    expect(run.stdout).toMatch(/^weak-crypto: .*\n {2}Remove the line/m);
    expect(run.stdout).toMatch(/^0 errors, 1 warning, \d+ notes?, for/m);
    expect(run.code).toBe(0);
  });

  test('prints every key of each finding as JSON', async () => {
    const { file, version, findings } = JSON.parse((await lint(BAD, ['--json'])).stdout);
    expect({ file, version }).toEqual({ file: 'turnserver.conf', version: '4.6.1' });
    const keys = ['rule', 'level', 'line', 'column', 'message', 'reason', 'hint', 'fatal', 'accepted'];
    for (const finding of findings) expect(Object.keys(finding)).toEqual(keys);
    expect(findings.at(-1)).toMatchObject({ line: null, column: null });
  });

  test.each<[string, string | Buffer, RegExp[]]>([
    [
      'CRLF line endings',
      'lt-cred-mech\r\nrealm=x\r\nno-udp=maybe\r\n',
      [/conf:3:1: error: no-udp must be yes or no, not "maybe"/],
    ],
    [
      'a byte order mark',
      '\uFEFFlt-cred-mech\nrealm=x\n',
      [/conf:1:1: error: .*byte order mark.*turnserver ignores lt-cred-mech/, /error: neither lt-cred-mech/],
    ],
    [
      'a comment of more than 1,023 bytes',
      `# ${'x'.repeat(1021)}no-auth\n`,
      [
        /conf:1:1024: error: the comment has 1030 bytes.*"no-auth"/,
        /conf:1:1024: error: no-auth: anyone can use the relay/,
      ],
    ],
    ['a line of 500 kB', 'y'.repeat(500_000), [/conf:1:1: error: the line has 500000 bytes/]],
    [
      'Latin-1',
      Buffer.from('realm=m\xfcnchen\nno-udp=\xfc\n', 'latin1'),
      [/conf:2:1: error: no-udp must be yes or no, not "\xfc"/],
    ],
    ['HTML', '<html>\n<body>\n', [/conf:1:1: error: turnserver 4\.6\.1 has no option "<html>"/]],
    ['an empty file', '', [/error: neither lt-cred-mech/]],
  ])('reads %s like turnserver', async (_, text, expected) => {
    const { lines, code } = await command(text);
    for (const pattern of expected) expect(lines.join('\n')).toMatch(pattern);
    expect(code).toBe(1);
  });

  test.each<[string, string | Buffer, RegExp]>([
    ['a binary', readFileSync(process.execPath).subarray(0, 5000), /it is a binary file/],
    ['UTF-16', Buffer.from('\uFEFFrealm=x\n', 'utf16le'), /is UTF-16/],
    ['a file of 10 MB', '# a comment\n'.repeat(900_000), /is larger than 1 MiB/],
  ])('refuses %s as an invalid configuration', async (_, text, message) => {
    await expect(command(text)).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      exitCode: 2,
      message: expect.stringMatching(message),
    });
  });

  test('refuses a binary file with an error of three lines', async () => {
    const run = await lint('realm=x\0y\n');
    expect(run.stderr).toMatch(
      /^turnbuild: .*it is a binary file \(NUL at byte 8\)\n .*\n {2}\[CONFIG_INVALID\]\n$/,
    );
    expect(run.stdout).toBe('');
    expect(run.code).toBe(2);
  });

  test.each([
    ['a missing file', ['nothing.conf', '--version', '4.6.1'], /File not found: nothing\.conf/],
    ['a folder', ['src', '--version', '4.6.1'], /src is a folder/],
    ['an endless file', ['/dev/zero', '--version', '4.6.1'], /it is a binary file/],
    ['a missing version', ['package.json'], /--version 4\.18\.0/],
    [
      'a rule without a reason',
      ['package.json', '--version', '4.6.1', '--accept', 'open-relay'],
      /requires a --reason/,
    ],
    [
      'an unknown rule',
      ['package.json', '--version', '4.6.1', '--accept', 'open-relays', '--reason', 'x'],
      /Unknown rule "open-relays"; did you mean open-relay\?/,
    ],
    ['a missing file argument', ['--version', '4.6.1'], /Missing argument: the path of a turnserver\.conf/],
  ])('reports %s as a usage error', async (_, args, message) => {
    const run = await turnbuild(['lint-config', ...args], {
      cwd: new URL('../../', import.meta.url).pathname,
    });
    expect(run.stderr).toMatch(message);
    expect(run.code).toBe(2);
  });

  test('waits for the writer of a pipe or FIFO', async () => {
    const { dir, sha256 } = write(BAD, mainrelay());
    execFileSync('mkfifo', [join(dir, 'fifo')]);
    const rest = `--source coturn.tar.gz --sha256 ${sha256} --version 4.6.1`;
    const program = `${process.execPath} ${join(ROOT, 'bin/turnbuild.js')} lint-config`;
    for (const command of [
      `(sleep 1; cat turnserver.conf) | ${program} /dev/stdin ${rest}`,
      `${program} <(head -1 turnserver.conf; sleep 1; tail -n +2 turnserver.conf) ${rest}`,
      `(sleep 1; cat turnserver.conf >fifo) & ${program} fifo ${rest}`,
      `${program} /dev/stdin ${rest} <turnserver.conf`,
    ]) {
      const run = spawnSync('bash', ['-c', command], { cwd: dir, encoding: 'utf8', timeout: 30_000 });
      expect(run.stdout, command).toMatch(/:4:1: error: .*denied-peer-pi/);
      expect(run.status, command).toBe(1);
    }
  });

  test('accepts an empty pipe', () => {
    const command = `${process.execPath} bin/turnbuild.js lint-config /dev/stdin`;
    const run = spawnSync('bash', ['-c', `: | ${command}`], { cwd: ROOT, encoding: 'utf8', timeout: 30_000 });
    expect(run.stderr).toContain('[VERSION_MISSING]');
  });

  test('stops reading an endless pipe at 1 MiB', () => {
    const command = `yes | ${process.execPath} bin/turnbuild.js lint-config /dev/stdin --version 4.6.1`;
    const run = spawnSync('bash', ['-c', command], { cwd: ROOT, encoding: 'utf8', timeout: 30_000 });
    expect(run.stderr).toMatch(/larger than 1 MiB/);
    expect(run.status).toBe(2);
  });

  test('waits for the writer of a FIFO until Ctrl-C', async () => {
    const dir = temporaryFolder();
    execFileSync('mkfifo', [join(dir, 'fifo')]);
    const run = await turnbuild(['lint-config', 'fifo', '--version', '4.6.1'], {
      cwd: dir,
      onStart: (child) => {
        const timers = [
          setTimeout(() => child.kill('SIGINT'), 3000),
          setTimeout(() => child.kill('SIGKILL'), 20_000),
        ];
        child.on('close', () => timers.forEach(clearTimeout));
      },
    });
    expect(run.stderr).toMatch(/^turnbuild: Interrupted.*\n {2}\[INTERRUPTED\]\n$/);
    expect(run.code).toBe(130);
  });

  test('refuses a socket', async () => {
    const dir = temporaryFolder();
    const server = createServer().listen(join(dir, 'socket'));
    onTestFinished(() => void server.close());
    await once(server, 'listening');
    const run = await turnbuild(['lint-config', 'socket', '--version', '4.6.1'], { cwd: dir });
    expect(run.stderr).toMatch(/socket: this is a socket, not a file \(open\)\n {2}\[FILE_ERROR\]/);
  });

  test('reads input from a terminal', () => {
    const program = `${process.execPath} bin/turnbuild.js lint-config /dev/stdin`;
    const run = spawnSync('script', ['--quiet', '--return', '--command', program, '/dev/null'], {
      cwd: ROOT,
      encoding: 'utf8',
      input: 'realm=example.org\n\x04',
      timeout: 30_000,
    });
    expect(run.stdout).toContain('[VERSION_MISSING]');
  });

  test('documents its exit codes in --help', async () =>
    expect((await turnbuild(['lint-config', '--help'])).stdout).toMatch(/warning .*exit code 0/));

  test("does not replace turnbuild's own --version", async () => {
    expect((await turnbuild(['--version'])).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  });
});
