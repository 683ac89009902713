import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import Ajv from 'ajv6';
import { describe, expect, test } from 'vitest';
import { temporaryFolder } from '../support/sandbox.ts';
import { turnbuild } from '../support/turnbuild.ts';

const require = createRequire(import.meta.url);
const SECRET = 'f3b1c2d4e5a6978812ab34cd56ef7890';
const BAD = `{\n  "realm": 5,\n  "authSecret": {"valeu": "${SECRET}"}\n}\n`;

/** `turnbuild lint-config --user-data` on a document. */
async function lint(document: string | Buffer, args: string[] = []) {
  const cwd = temporaryFolder();
  writeFileSync(join(cwd, 'user-data.json'), document);
  return turnbuild(['lint-config', '--user-data', 'user-data.json', ...args], { cwd });
}

describe('turnbuild lint-config --user-data', () => {
  test('reports each problem with its place, without the secret, and exits with 1', async () => {
    const run = await lint(BAD);
    expect(run.stdout).toBe(
      [
        'user-data.json:2:3: error: realm: must be a string',
        'user-data.json:3:18: error: authSecret.valeu: unknown key; did you mean value?',
        'user-data.json:3:3: error: authSecret: must have either value or valueFrom',
        '3 errors, for aws',
        '',
      ].join('\n'),
    );
    expect(run.code).toBe(1);
  });

  test('exits with 0 for a valid document', async () => {
    expect(await lint(`{"authSecret": {"value": "${SECRET}"}}`)).toEqual({
      code: 0,
      stdout: '0 errors, for aws\n',
      stderr: '',
    });
  });

  test('prints the same problems as JSON and as SARIF', async () => {
    const json = await lint(BAD, ['--json']);
    const { file, cloud, findings } = JSON.parse(json.stdout);
    expect({ file, cloud, code: json.code }).toEqual({ file: 'user-data.json', cloud: 'aws', code: 1 });
    expect(findings[0]).toEqual({
      path: 'realm',
      level: 'error',
      line: 2,
      column: 3,
      message: 'must be a string',
    });
    const run = await lint(BAD, ['--sarif']);
    const sarif = JSON.parse(run.stdout);
    const ajv = new Ajv({ schemaId: 'id', unknownFormats: 'ignore' });
    ajv.addMetaSchema(require('ajv6/lib/refs/json-schema-draft-04.json'));
    const validate = ajv.compile(require('@microsoft/jest-sarif/lib/schemas/sarif-2.1.0-rtm.5.json'));
    expect(validate(sarif) ? [] : validate.errors).toEqual([]);
    const [{ tool, results }] = sarif.runs;
    expect(results).toHaveLength(findings.length);
    expect(results[0]).toMatchObject({
      level: 'error',
      message: { text: 'realm: must be a string' },
      locations: [
        {
          physicalLocation: {
            artifactLocation: { uri: 'user-data.json' },
            region: { startLine: 2, startColumn: 3 },
          },
        },
      ],
    });
    for (const result of results) expect(tool.driver.rules[result.ruleIndex].id).toBe(result.ruleId);
    expect(json.stdout + run.stdout).not.toContain(SECRET);
  });

  test('checks for the cloud given by --cloud, otherwise for the one whose secrets it refers to', async () => {
    const document = '{"authSecret": {"valueFrom": "projects/my-project/secrets/s"}}';
    expect((await lint(document)).stdout).toBe('0 errors, for gce\n');
    const run = await lint(document, ['--cloud', 'aws']);
    expect(run.stdout).toMatch(/names a secret of Google Secret Manager, which a machine on aws cannot read/);
    expect(run.code).toBe(1);
  });

  test('reads a pipe', () => {
    const program = `${process.execPath} bin/turnbuild.js lint-config --user-data /dev/stdin`;
    const run = spawnSync('bash', ['-c', `(sleep 1; echo '{"relm": 1}') | ${program}`], {
      cwd: new URL('../../', import.meta.url).pathname,
      encoding: 'utf8',
      timeout: 30_000,
    });
    expect(run.stdout).toMatch(/^\/dev\/stdin:1:2: error: relm: unknown key; did you mean realm\?$/m);
    expect(run.status).toBe(1);
  });

  test.each([
    [
      'a missing file',
      ['--user-data', 'nothing.json'],
      /File not found: nothing\.json[\s\S]*\[CONFIG_NOT_FOUND\]/,
    ],
    ['a folder', ['--user-data', 'src'], /src is a folder[\s\S]*\[CONFIG_INVALID\]/],
    ['an endless file', ['--user-data', '/dev/zero'], /larger than 1 MiB[\s\S]*\[CONFIG_INVALID\]/],
    [
      'a turnserver.conf',
      ['turnserver.conf', '--user-data', 'package.json'],
      /Remove turnserver\.conf[\s\S]*\[OPTION_CONFLICT\]/,
    ],
    [
      'a version',
      ['--user-data', 'package.json', '--version', '4.18.0'],
      /'--user-data <file>' cannot be used with option '--version <version>'[\s\S]*\[OPTION_CONFLICT\]/,
    ],
    [
      'a source',
      ['--user-data', 'package.json', '--source', 'debian'],
      /cannot be used with option '--source <where>'[\s\S]*\[OPTION_CONFLICT\]/,
    ],
    [
      'an acceptance',
      ['--user-data', 'package.json', '--accept', 'x', '--reason', 'y'],
      /\[OPTION_CONFLICT\]/,
    ],
    ['--print-deny', ['--user-data', 'package.json', '--print-deny'], /\[OPTION_CONFLICT\]/],
    [
      'an unknown cloud',
      ['--user-data', 'package.json', '--cloud', 'gcp'],
      /Unsupported cloud "gcp"; did you mean gce\?[\s\S]*\[CLOUD_UNKNOWN\]/,
    ],
    [
      'two clouds',
      ['--user-data', 'package.json', '--cloud', 'aws,gce'],
      /one cloud[\s\S]*\[OPTION_INVALID\]/,
    ],
    [
      'a cloud for a turnserver.conf',
      ['package.json', '--version', '4.6.1', '--cloud', 'aws'],
      /--cloud requires --user-data[\s\S]*\[OPTION_INVALID\]/,
    ],
  ])('reports %s as a usage error', async (_, args, message) => {
    const run = await turnbuild(['lint-config', ...args], {
      cwd: new URL('../../', import.meta.url).pathname,
    });
    expect(run.stderr).toMatch(message);
    expect(run.stdout).toBe('');
    expect(run.code).toBe(2);
  });
});
