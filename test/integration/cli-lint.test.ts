import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { coturnTar } from '../support/coturn-tree.ts';
import { temporaryFolder } from '../support/sandbox.ts';
import { file as tarFile } from '../support/tar-builder.ts';
import { turnbuild } from '../support/turnbuild.ts';

const KINDS = ['no_argument', 'required_argument', 'optional_argument'];

/** The option table of the real 4.6.1, in the words of its source. */
function mainrelay(): string {
  const list = readFileSync(new URL('../fixtures/verified-4.6.1/options.txt', import.meta.url), 'utf8');
  const entries = list
    .trim()
    .split('\n')
    .map((line) => line.split(' '))
    .map(([name, kind]) => `  { "${name}", ${KINDS[Number(kind)]}, NULL, 1 },`);
  return `static const struct myoption long_options[] = {\n${entries.join('\n')}\n  { NULL, no_argument, NULL, 0 }\n};\n`;
}

/** `turnbuild lint-config` on a configuration, for a tarball with this mainrelay.c. */
async function lint(text: string | Buffer, args: string[] = [], source = mainrelay()) {
  const dir = temporaryFolder();
  const tar = gzipSync(coturnTar('4.6.1', [tarFile('coturn/src/apps/relay/mainrelay.c', source)]));
  const sha256 = createHash('sha256').update(tar).digest('hex');
  writeFileSync(join(dir, 'coturn.tar.gz'), tar);
  writeFileSync(join(dir, 'turnserver.conf'), text);
  const where = ['--source', './coturn.tar.gz', '--sha256', sha256, '--version', '4.6.1'];
  return turnbuild(['lint-config', 'turnserver.conf', ...where, ...args], { cwd: dir });
}

const BAD = 'lt-cred-mech\nrealm=example.org\n\ndenied-peer-pi=10.0.0.0-10.255.255.255\n';

describe('turnbuild lint-config', () => {
  test('says line, column, reason and rule; exit code 1', async () => {
    const run = await lint(BAD);
    expect(run.stdout).toMatch(
      /^turnserver\.conf:4:1: error: turnserver 4\.6\.1 has no option "denied-peer-pi"; did you mean denied-peer-ip\? \[unknown-option\]$/m,
    );
    expect(run.stdout).toMatch(/^turnserver\.conf: error: no denied-peer-ip holds 169\.254\.169\.254/m);
    expect(run.stdout).toMatch(/^\d+ errors, \d+ warnings, \d+ notes, for coturn 4\.6\.1$/m);
    expect(run.code).toBe(1);
  });

  test('prints the same as JSON and as SARIF', async () => {
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

  test('has nothing to say of the shipped configuration; exit code 0', async () => {
    const conf = new URL('../fixtures/verified-4.6.1/inspect/turnserver.conf', import.meta.url);
    const run = await lint(readFileSync(conf));
    expect(run.stdout).toMatch(/0 errors, 0 warnings/);
    expect(run.code).toBe(0);
  });

  test('says what is wrong with a source whose options it cannot read', async () => {
    const run = await lint(BAD, [], 'int main(void) { return 0; }');
    expect(run.stderr).toMatch(
      /options of coturn 4\.6\.1 can't be read.*no long_options[\s\S]*OPTIONS_UNREADABLE/,
    );
    expect(run.code).toBe(1);
  });

  test.each([
    ['a file that is not there', ['nothing.conf', '--version', '4.6.1'], /no file nothing\.conf/],
    ['no version', ['package.json'], /--version 4\.18\.0/],
    ['a file that is no text', [process.execPath, '--version', '4.6.1'], /is not a turnserver\.conf/],
  ])('%s is a usage error', async (_, args, message) => {
    const run = await turnbuild(['lint-config', ...args], {
      cwd: new URL('../../', import.meta.url).pathname,
    });
    expect(run.stderr).toMatch(message);
    expect(run.code).toBe(2);
  });

  test("leaves turnbuild's own --version alone", async () => {
    expect((await turnbuild(['--version'])).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  });
});
