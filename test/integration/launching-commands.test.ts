import { execFileSync } from 'node:child_process';
import { chmodSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const ROOT = new URL('../../', import.meta.url).pathname;
const text = readFileSync(join(ROOT, 'docs/launching.md'), 'utf8');
const CLOUDS = { EC2: 'aws', 'Compute Engine': 'gce' } as const;

/** The commands of a part of the document. Settings and Prometheus's configuration are indented as well. */
function commandsOf(part: string): string {
  const blocks = part.match(/(?:^ {4}.*\n|^\n(?= {4}))+/gm) ?? [];
  const isData = (block: string) => /^\s*([{"]|scrape_configs:)/.test(block);
  return blocks
    .filter((block) => !isData(block))
    .join('\n')
    .replace(/^ {4}/gm, '');
}

const section = (title: string) => text.split(`\n## ${title}\n`)[1]?.split('\n## ')[0] ?? '';

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'turnbuild-launching-'));
  mkdirSync(join(dir, 'bin'));
  mkdirSync(join(dir, 'dist/4.16.0'), { recursive: true });
  cpSync(join(ROOT, 'docs/policies'), join(dir, 'docs/policies'), { recursive: true });
  for (const name of ['turn.json', 'amazon-ssm-agent.deb']) writeFileSync(join(dir, name), '{}');
  for (const name of ['aws-arm64.raw.zst', 'gce-arm64.tar.gz'])
    writeFileSync(join(dir, `dist/4.16.0/coturn-4.16.0-1-${name}`), '');
  // Each command records its arguments and its standard input, and prints an id.
  const recorder = `#!${process.execPath}
const [, file, ...args] = process.argv;
const name = file.split('/').pop();
const input = require('node:fs').readFileSync(0, 'utf8');
require('node:fs').appendFileSync('log', JSON.stringify([name, ...args]) + '\\n');
if (input !== '') require('node:fs').appendFileSync('inputs', JSON.stringify(input) + '\\n');
console.log('id-of-' + (args[1] ?? 'nothing'));
if (name === 'zstd') require('node:fs').writeFileSync(args.at(-1), '');
`;
  for (const name of [
    'aws',
    'gcloud',
    'jq',
    'zstd',
    'openssl',
    'turnbuild',
    'turnutils_stunclient',
    'turnutils_uclient',
  ]) {
    writeFileSync(join(dir, 'bin', name), recorder);
    chmodSync(join(dir, 'bin', name), 0o755);
  }
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

/** Runs the commands for one cloud as a reader would paste them, with programs that only record how they are called. */
function run(title: keyof typeof CLOUDS): string[][] {
  const preamble = commandsOf(text.split('\n## ')[0] ?? '');
  for (const name of ['log', 'inputs']) rmSync(join(dir, name), { force: true });
  execFileSync(
    'bash',
    ['-euo', 'pipefail', '-c', `${preamble}\n${commandsOf(section(title)).replace(/ \| grep .*$/gm, '')}`],
    {
      cwd: dir,
      env: { PATH: `${join(dir, 'bin')}:${process.env.PATH}` },
      stdio: ['ignore', 'ignore', 'pipe'],
    },
  );
  const lines = readFileSync(join(dir, 'log'), 'utf8').trimEnd().split('\n');
  return lines.map((line) => JSON.parse(line));
}

describe('the commands of docs/launching.md', () => {
  it('run on EC2, with valid policies and without a placeholder', () => {
    const calls = run('EC2');
    expect(calls.length).toBeGreaterThan(20);
    const documents = calls.flatMap((call) => call.filter((argument) => argument.startsWith('{')));
    expect(documents).toHaveLength(7);
    for (const document of documents) {
      expect(JSON.parse(document).Version).toBe('2012-10-17');
      expect(document).not.toMatch(/\b(REGION|ACCOUNT|BUCKET)\b/);
    }
    const launch = calls.find((call) => call[2] === 'run-instances') ?? [];
    expect(launch).toEqual(
      expect.arrayContaining(['--image-id', 'id-of-register-image', 'file://turn.json']),
    );
    expect(launch.join(' ')).toContain('HttpTokens=required,HttpPutResponseHopLimit=1');
  });

  it('run on Compute Engine, with names that are allowed there', () => {
    const calls = run('Compute Engine');
    expect(calls.length).toBeGreaterThan(15);
    const create = calls.find((call) => call.slice(1, 4).join(' ') === 'compute images create') ?? [];
    expect(create[4]).toMatch(/^[a-z](?:[-a-z0-9]{0,61}[a-z0-9])?$/);
    expect(create).toContain('--architecture=ARM64');
    const launch = calls.find((call) => call.slice(1, 4).join(' ') === 'compute instances create') ?? [];
    expect(launch).toEqual(
      expect.arrayContaining([`--image=${create[4]}`, '--metadata-from-file=turn-settings=turn.json']),
    );
  });

  it.each(['EC2', 'Compute Engine'] as const)('store a secret without a line break on %s', (title) => {
    run(title);
    expect(readFileSync(join(dir, 'inputs'), 'utf8').trimEnd().split('\n')).toEqual(['"id-of--hex"']);
  });

  it('open the ports that an image serves by default', () => {
    const settings = readFileSync(
      join(ROOT, 'recipes/docker/machine/agent/internal/settings/settings.go'),
      'utf8',
    );
    const [, first, last] = /RelayPorts:\s+PortRange\{(\d+), (\d+)\}/.exec(settings) ?? [];
    expect(text).toContain(`IpProtocol=udp,FromPort=${first},ToPort=${last},`);
    expect(text).toContain(`udp:${first}-${last}`);
    // Images relay over UDP only: the package's turnserver.conf has no-tcp-relay.
    expect(text).not.toContain(`IpProtocol=tcp,FromPort=${first}`);
    expect(text).not.toContain(`tcp:${first}`);
    expect(settings).toContain(/--source-ranges=(35[\d./]+)/.exec(text)?.[1]);
  });
});
