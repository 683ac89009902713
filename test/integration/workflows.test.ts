import { chmodSync, cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { runWorkflow } from '../../scripts/workflow/run.js';
import { coturnTar } from '../support/coturn-tree.ts';
import { BUILDER, fakeDocker } from '../support/fake-docker.ts';
import { serve } from '../support/http-server.ts';
import { plannedPart } from '../support/planned-part.ts';
import { temporaryFolder } from '../support/sandbox.ts';
import { createSigningHome, type SigningHome } from '../support/signing-home.ts';

// Executes each run block of the release's workflows. Only npm, sudo, Docker and the performing of steps are fake; the last is a dry run.
const root = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '');
const PROJECT = `targets: [debian-13]
architectures: [x86_64]
source: ./coturn.tar.gz
`;

/** A builder, and a registry with one image for all names. */
const DOCKER = `case "$*" in
*docker-image://*)
  for word; do case $word in --output=*) out=\${word#*dest=} ;; esac; done
  mkdir -p "$out"
  echo '{"predicate":{"materials":[{"uri":"pkg:docker/debian@x","digest":{"sha256":"${'12'.repeat(32)}"}}]}}' >"$out/provenance.json" ;;
*) ${BUILDER} ;;
esac`;

let keys: SigningHome;
let signingKey: string;
beforeAll(() => {
  keys = createSigningHome();
  signingKey = keys.gpg([
    '--armor',
    '--export-secret-keys',
    keys.createKey('Packages <packages@example.org>'),
  ]);
});
afterAll(() => keys.remove());

/** A machine that runs workflows, and the GitHub API with coturn's releases. */
async function machine({ settings = PROJECT, versions = ['4.18.0'] } = {}) {
  const dir = temporaryFolder();
  const project = join(dir, 'project');
  mkdirSync(project);
  for (const name of ['action.yml', 'package.json', 'package-lock.json'])
    cpSync(join(root, name), join(project, name));
  writeFileSync(join(project, 'coturn.tar.gz'), gzipSync(coturnTar('4.18.0')));
  writeFileSync(join(project, 'turnbuild.yaml'), settings);
  const repo = join(dir, 'repo');
  mkdirSync(repo);
  const server = await serve(async (request, response) => {
    const url = new URL(request.url ?? '', 'http://x');
    if (url.pathname === '/part') {
      const cwd = url.searchParams.get('cwd') ?? '';
      const value = (name: string) => {
        const words = url.searchParams.getAll('word');
        return words[words.indexOf(`--${name}`) + 1] ?? '';
      };
      const [target, arch] = [value('target'), value('arch')];
      plannedPart(join(cwd, value('plan')), { target, arch, out: join(cwd, value('out')) });
      response.end('built\n');
      return;
    }
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify(versions.map((tag_name) => ({ tag_name, draft: false, prerelease: false }))));
  });
  const env = { ...process.env, ...fakeDocker(dir, DOCKER), ...programs(dir, server.url) };
  const lines: string[] = [];
  const runDir = join(dir, 'run');
  mkdirSync(runDir);
  const place = {
    ...{ dir: runDir, turnbuild: root, repository: 'example/coturn-packages', ref: '', called: false },
    project: (to: string) => cpSync(project, to, { recursive: true }),
    variables: { TURNBUILD_TO: 'apt', TURNBUILD_REPO: repo, TURNBUILD_URL: 'https://packages.example.org' },
    secrets: { TURNBUILD_SIGNING_KEY: signingKey, TURNBUILD_SIGNING_PASSPHRASE: '' },
    log: (line: string) => void lines.push(line),
    env: {
      ...env,
      GITHUB_API_URL: server.url,
      GITHUB_TOKEN: '',
      TURNBUILD_CACHE: join(dir, 'cache'),
      NO_COLOR: '1',
    },
  };
  return {
    ...{ repo, lines, dir: runDir },
    run: (
      workflow: string,
      event: string,
      inputs: Record<string, string | boolean> = {},
      more: object = {},
    ) => runWorkflow(`.github/workflows/${workflow}.yml`, { ...place, event, ...more }, inputs),
    summary: (job: string) => readFileSync(join(runDir, 'jobs', job, 'summary.md'), 'utf8'),
    ran: () =>
      readFileSync(join(runDir, 'ran.jsonl'), 'utf8')
        .trim()
        .split('\n')
        .map((line) => (JSON.parse(line) as { run: string }).run),
  };
}

/** npm, sudo, and turnbuild with a release that is only a dry run followed by small packages. */
function programs(dir: string, url: string): Record<string, string> {
  const bin = join(dir, 'bin');
  const write = (path: string, text: string) => {
    writeFileSync(path, `#!/bin/sh\nset -eu\n${text}\n`);
    chmodSync(path, 0o755);
  };
  mkdirSync(join(dir, 'linked'));
  const turnbuild = `node ${root}/bin/turnbuild.js`;
  write(
    join(dir, 'turnbuild'),
    `case "$1" in
release) ${turnbuild} "$@" --dry-run >/dev/null
  set -- --get --data-urlencode "cwd=$PWD" $(printf -- '--data-urlencode word=%s ' "$@")
  exec curl -fsS "$@" ${url}/part ;;
image) exec ${turnbuild} "$@" --dry-run ;;
*) exec ${turnbuild} "$@" ;;
esac`,
  );
  write(
    join(bin, 'npm'),
    `case "$1 $2" in
'ci --no-audit') test -f package-lock.json ;;
'run build') node -e 'if (!require("./package.json").scripts.build) process.exit(1)' ;;
'link --no-audit') ln -sf ${dir}/turnbuild ${dir}/linked/turnbuild ;;
*) echo "unknown: npm $*" >&2; exit 1 ;;
esac`,
  );
  write(join(bin, 'sudo'), 'test "$1" = apt-get');
  return { PATH: `${bin}:${join(dir, 'linked')}:${process.env.PATH}` };
}

describe('release.yml', () => {
  it('builds, verifies and publishes a requested release, then finds nothing due', async () => {
    const { run, repo, lines, summary } = await machine();
    const first = await run('release', 'workflow_dispatch', { version: '4.18.0' });
    expect(first.results, lines.join('\n')).toMatchObject({
      due: { result: 'success', outputs: { due: 'true', version: '4.18.0', revision: '1' } },
      pipeline: {
        result: 'success',
        jobs: {
          publish: { result: 'success' },
          images: { result: 'skipped' },
        },
      },
    });
    expect(readFileSync(join(repo, 'apt/dists/trixie-testing/InRelease'), 'utf8')).toContain(
      'Suite: trixie-testing',
    );
    expect(summary('collect')).toMatch(
      /^## coturn 4\.18\.0\+turnbuild-1\n\n\*\*✓ Every check that ran passed\*\*/,
    );
    expect(lines.join('\n')).not.toContain('PRIVATE KEY');

    const daily = await machine({ settings: PROJECT.replace(/source.*\n/, '') });
    const second = await daily.run('release', 'schedule', {}, { variables: { TURNBUILD_REPO: repo } });
    expect(second.results, daily.lines.join('\n')).toMatchObject({
      due: { result: 'success', outputs: { due: 'false' } },
      pipeline: { result: 'skipped' },
    });
    expect(daily.summary('due')).toMatch(/^Nothing is due: coturn 4\.18\.0 \(revision 1\) is published/);

    const next = await machine({
      settings: PROJECT.replace(/source.*\n/, ''),
      versions: ['4.19.0', '4.18.0'],
    });
    const third = await next.run(
      'release',
      'schedule',
      {},
      { variables: { TURNBUILD_REPO: repo, TURNBUILD_TO: 'apt' } },
    );
    // The plan fails, because this GitHub has no sources.
    expect(third.results).toMatchObject({
      due: { outputs: { due: 'true', version: '4.19.0', revision: '1' } },
      pipeline: { result: 'failure', jobs: { plan: { result: 'failure' }, publish: { result: 'skipped' } } },
    });
  });

  it('releases the version and revision of a tag', async () => {
    const { run, repo, lines } = await machine();
    const { results } = await run('release', 'push', {}, { ref: 'coturn-4.18.0-3' });
    expect(results, lines.join('\n')).toMatchObject({ pipeline: { result: 'success' } });
    expect(readdirSync(repo, { recursive: true }).join('\n')).toContain(
      'coturn_4.18.0+turnbuild-3~deb13_amd64.deb',
    );
  });
});

describe('pipeline.yml', () => {
  it('builds all packages and images with QEMU, and publishes nothing unless it is told where', async () => {
    const { run, lines, dir, repo } = await machine();
    const inputs = {
      source: './coturn.tar.gz',
      targets: 'debian-12,debian-13',
      architectures: 'arm64,x86_64',
    };
    const { results, outputs } = await run(
      'pipeline',
      'workflow_call',
      { ...inputs, 'update-lock': true, 'runner-arm64': '', images: true },
      { called: true },
    );
    expect(results, lines.join('\n')).toMatchObject({
      build: { result: 'success' },
      images: { result: 'success' },
      publish: { result: 'skipped' },
    });
    expect(outputs).toEqual({ version: '4.18.0' });
    expect(readdirSync(join(dir, 'artifacts')).sort()).toEqual([
      ...['turnbuild-images-arm64', 'turnbuild-images-x86_64'],
      ...['debian-12-arm64', 'debian-12-x86_64', 'debian-13-arm64', 'debian-13-x86_64'].map(
        (name) => `turnbuild-part-${name}`,
      ),
      ...['turnbuild-plan', 'turnbuild-release'],
    ]);
    expect(existsSync(join(repo, 'apt'))).toBe(false);
  });

  it('publishes no release whose checks were deselected', async () => {
    const { run, lines } = await machine();
    const inputs = {
      source: './coturn.tar.gz',
      'update-lock': true,
      only: 'elf',
      destinations: 'apt',
      repo: './repo',
    };
    const { results } = await run('pipeline', 'workflow_call', inputs, { called: true });
    expect(results).toMatchObject({ collect: { result: 'success' }, publish: { result: 'failure' } });
    expect(lines.join('\n')).toContain('turnbuild publish');
  });
});

it('each run block of these workflows and of action.yml is executed above, or by release in one job', async () => {
  const { run, ran, lines } = await machine();
  const { results } = await run('release', 'workflow_dispatch', { version: '4.18.0' });
  expect(results, lines.join('\n')).toMatchObject({ pipeline: { result: 'success' } });
  const all = ['.github/workflows/pipeline.yml', '.github/workflows/release.yml', 'action.yml'].flatMap(
    (file) => runBlocks(parse(readFileSync(join(root, file), 'utf8'))),
  );
  const missing = all.filter((block) => !ran().includes(block));
  expect(missing).toEqual([]);
});

function runBlocks(node: unknown): string[] {
  if (typeof node !== 'object' || node === null) return [];
  return Object.entries(node).flatMap(([key, value]) =>
    key === 'run' && typeof value === 'string' ? [value] : runBlocks(value),
  );
}
