import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { parse } from 'yaml';
import { inputProblems } from '../../scripts/workflow/rules.js';
import { runWorkflow } from '../../scripts/workflow/run.js';
import { coturnTar } from '../support/coturn-tree.ts';
import { BUILDER, fakeDocker } from '../support/fake-docker.ts';
import { serve } from '../support/http-server.ts';
import { plannedPart } from '../support/planned-part.ts';
import { temporaryFolder } from '../support/sandbox.ts';
import { createSigningHome, type SigningHome } from '../support/signing-home.ts';
import { type SigstoreServices, startSigstore } from '../support/sigstore/services.ts';
import { turnbuild } from '../support/turnbuild.ts';

// Executes each run block of the release's workflows. Only npm, sudo, Docker and the performing of steps are fake; the last is a dry run.
const root = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '');
const PROJECT = `targets: [debian-13]
architectures: [x86_64]
source: ./coturn.tar.gz
`;

const SOURCES = gzipSync(coturnTar('4.18.0'));

/** A builder, and a registry with one image for all names. */
const DOCKER = `case "$*" in
*docker-image://*)
  for word; do case $word in --output=*) out=\${word#*dest=} ;; esac; done
  mkdir -p "$out"
  echo '{"predicate":{"materials":[{"uri":"pkg:docker/debian@x","digest":{"sha256":"${'12'.repeat(32)}"}}]}}' >"$out/provenance.json" ;;
*) ${BUILDER} ;;
esac`;

// A workflow is a dozen processes, one after the other.
vi.setConfig({ testTimeout: 240_000 });

/** The run blocks that these tests have executed. */
const executed = new Set<string>();

let keys: SigningHome;
let sigstore: SigstoreServices;
let signingKey: string;
/** The project's lock file, with its sources. */
let lock: string;
beforeAll(async () => {
  const dir = mkdtempSync(join(tmpdir(), 'turnbuild-workflows-'));
  writeFileSync(join(dir, 'turnbuild.yaml'), '{}');
  writeFileSync(join(dir, 'coturn.tar.gz'), SOURCES);
  const args = ['source', '--source', './coturn.tar.gz', '--update-lock', '--out', join(dir, 'dist')];
  const run = await turnbuild(args, { cwd: dir, env: { TURNBUILD_CACHE: join(dir, 'cache') } });
  expect(run.code, run.stderr).toBe(0);
  lock = readFileSync(join(dir, 'turnbuild.lock.json'), 'utf8');
  rmSync(dir, { recursive: true });
  keys = createSigningHome();
  sigstore = await startSigstore();
  signingKey = keys.gpg([
    '--armor',
    '--export-secret-keys',
    keys.createKey('Packages <packages@example.org>'),
  ]);
});
afterAll(() => {
  keys.remove();
  sigstore.close();
});

/** A machine that runs workflows, and the GitHub API with coturn's releases. */
async function machine({ settings = PROJECT, versions = ['4.18.0'], fails = false } = {}) {
  const dir = temporaryFolder();
  const project = join(dir, 'project');
  mkdirSync(project);
  for (const name of ['action.yml', 'package.json', 'package-lock.json'])
    cpSync(join(root, name), join(project, name));
  writeFileSync(join(project, 'coturn.tar.gz'), SOURCES);
  writeFileSync(join(project, 'turnbuild.yaml'), settings);
  writeFileSync(join(project, 'turnbuild.lock.json'), lock);
  const repo = join(dir, 'repo');
  mkdirSync(repo);
  const server = await serve(async (request, response) => {
    const url = new URL(request.url ?? '', 'http://x');
    if (url.pathname === '/part') {
      const words = url.searchParams.getAll('word');
      const value = (name: string) => words[words.indexOf(`--${name}`) + 1] ?? '';
      const cwd = url.searchParams.get('cwd') ?? '';
      const part = { target: value('target'), arch: value('arch'), out: join(cwd, value('out')), fails };
      plannedPart(join(cwd, value('plan')), part);
      response.writeHead(fails ? 500 : 200).end('built\n');
      return;
    }
    // Nothing is published.
    if (url.pathname.startsWith('/releases/') || url.pathname === '/key.asc') {
      response.writeHead(404).end();
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
      ...sigstore.environment(),
      TURNBUILD_CACHE: join(dir, 'cache'),
      NO_COLOR: '1',
    },
  };
  return {
    ...{ repo, lines, dir: runDir, url: server.url },
    async run(
      workflow: string,
      event: string,
      inputs: Record<string, string | boolean> = {},
      more: object = {},
    ) {
      const path = workflow.startsWith('/') ? workflow : `.github/workflows/${workflow}.yml`;
      const ran = await runWorkflow(path, { ...place, event, ...more }, inputs);
      for (const line of readFileSync(join(runDir, 'ran.jsonl'), 'utf8').trim().split('\n'))
        executed.add((JSON.parse(line) as { run: string }).run);
      return ran;
    },
    summary: (job: string) => readFileSync(join(runDir, 'jobs', job, 'summary.md'), 'utf8'),
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
  const real = `node ${root}/bin/turnbuild.js`;
  write(
    join(dir, 'turnbuild'),
    `case "$1" in
release) ${real} "$@" --dry-run >/dev/null
  case "$*" in
  *--plan*) ;;
  *) shift
    ${real} plan "$@" --json >action-plan.json
    set -- release --plan action-plan.json --target debian-13 --arch x86_64 "$@" ;;
  esac
  set -- --get --data-urlencode "cwd=$PWD" $(printf -- '--data-urlencode word=%s ' "$@")
  exec curl -fsS "$@" ${url}/part ;;
image) exec ${real} "$@" --dry-run ;;
*) exec ${real} "$@" ;;
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
    const { run, repo, dir, lines, summary } = await machine();
    const first = await run('release', 'workflow_dispatch', { version: '4.18.0' });
    expect(first.results, lines.join('\n')).toMatchObject({
      due: { result: 'success', outputs: { due: 'true', version: '4.18.0', revision: '1' } },
      pipeline: {
        result: 'success',
        jobs: { publish: { result: 'success' }, images: { result: 'skipped' } },
      },
    });
    expect(readFileSync(join(repo, 'apt/dists/trixie-testing/InRelease'), 'utf8')).toContain(
      'Suite: trixie-testing',
    );
    expect(summary('collect')).toMatch(
      /^## coturn 4\.18\.0\+turnbuild-1\n\n\*\*✓ Every check that ran passed\*\*/,
    );
    expect(lines.join('\n')).not.toContain('PRIVATE KEY');
    expect(readdirSync(join(dir, 'artifacts/turnbuild-provenance')).sort()).toEqual([
      ...['SHA256SUMS', 'SHA256SUMS.asc'],
      ...['provenance.json', 'provenance.sigstore.json', 'tests.json', 'tests.sigstore.json'].map(
        (end) => `coturn-4.18.0-1-debian-13-x86_64.${end}`,
      ),
      'key.asc',
    ]);

    const settings = PROJECT.replace(/source.*\n/, '');
    const published = {
      variables: { TURNBUILD_TO: 'apt', TURNBUILD_REPO: repo, TURNBUILD_URL: 'https://packages.example.org' },
    };
    const daily = await machine({ settings });
    const second = await daily.run('release', 'schedule', {}, published);
    expect(second.results, daily.lines.join('\n')).toMatchObject({
      due: { result: 'success', outputs: { due: 'false' } },
      pipeline: { result: 'skipped' },
    });
    expect(daily.summary('due')).toMatch(/^Nothing is due\. coturn 4\.18\.0 \(revision 1\) is published/);

    const idle = await daily.run('release', 'schedule', {}, { variables: { TURNBUILD_TO: 'apt' } });
    expect(idle.results).toMatchObject({ due: { result: 'skipped' }, pipeline: { result: 'skipped' } });

    const next = await machine({ settings, versions: ['4.19.0', '4.18.0'] });
    const third = await next.run('release', 'schedule', {}, published);
    // The plan fails, because this GitHub has no sources.
    expect(third.results).toMatchObject({
      due: { outputs: { due: 'true', version: '4.19.0', revision: '1' } },
      pipeline: { result: 'failure', jobs: { plan: { result: 'failure' }, publish: { result: 'skipped' } } },
    });
  });

  it('publishes nothing and shows why if the package of a tag fails', async () => {
    const { run, repo, lines, summary } = await machine({ fails: true });
    const { results } = await run('release', 'push', {}, { ref: 'coturn-4.18.0-3' });
    expect(results, lines.join('\n')).toMatchObject({
      due: { outputs: { version: '4.18.0', revision: '3' } },
      pipeline: {
        result: 'failure',
        jobs: {
          build: { result: 'failure' },
          collect: { result: 'skipped' },
          publish: { result: 'skipped' },
        },
      },
    });
    expect(summary('build')).toMatch(/\*\*✗ Failed\*\*[\s\S]*### Failures[\s\S]*planted/);
    expect(readdirSync(repo)).toEqual([]);
  });
});

it('pipeline.yml builds all packages and images with QEMU, and publishes nothing unless it is told where', async () => {
  const { run, lines, dir, repo } = await machine();
  const inputs = { source: './coturn.tar.gz', architectures: 'arm64,x86_64', 'update-lock': true };
  const { results, outputs } = await run(
    'pipeline',
    'workflow_call',
    { ...inputs, 'runner-arm64': '', images: true },
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
    ...['turnbuild-part-debian-13-arm64', 'turnbuild-part-debian-13-x86_64'],
    ...['turnbuild-plan', 'turnbuild-release'],
  ]);
  expect(readdirSync(repo)).toEqual([]);
});

/** The indented YAML documents of a page that begin with a comment such as `# .github/workflows/daily.yml`. */
function examplesIn(page: string): { name: string; text: string }[] {
  const blocks =
    readFileSync(join(root, page), 'utf8').match(/^ {4}# \.github\/workflows\/.*\n(?:(?: {4}.*)?\n)*/gm) ??
    [];
  return blocks.map((block) => {
    const text = block
      .replace(/^ {4}/gm, '')
      .replace(/s3:\/\/[\w-]+/, 'REPO')
      .replace('apt,dnf', 'apt');
    return { name: /workflows\/([\w-]+)\.yml/.exec(text)?.[1] ?? '', text };
  });
}

const EXAMPLES = ['README.md', 'docs/github-actions.md', 'docs/project.md'].flatMap((page) =>
  examplesIn(page).map((example) => ({ page, ...example })),
);

it('the examples of README.md and docs/ pass only inputs that exist', () => {
  expect(EXAMPLES.map(({ page, name }) => `${page} ${name}`)).toEqual([
    'README.md packages',
    ...['package', 'packages', 'daily'].map((name) => `docs/github-actions.md ${name}`),
    'docs/project.md packages',
  ]);
  const find = (uses: string) => {
    const [, path] = /^turnbuild\/turnbuild\/?(.*)@v\d+\.\d+\.\d+$/.exec(uses) ?? [];
    return path === undefined ? undefined : parse(readFileSync(join(root, path || 'action.yml'), 'utf8'));
  };
  for (const { page, text } of EXAMPLES) expect(inputProblems(parse(text), find), page).toEqual([]);
});

/** An example for a folder, which needs no credentials. This runner refuses actions that get them. */
const inFolder = (text: string, repo: string) =>
  text
    .replace('REPO', repo)
    .replace(/^ *- uses: aws-actions\/.*\n.*role-to-assume:.*\n/m, '')
    .replace(/^ *aws-role: .*\n *aws-region: .*\n/m, '');

// The others call the pipeline with fewer inputs.
it.each(EXAMPLES.filter(({ name }) => ['package', 'daily'].includes(name)))(
  'the example $name of $page builds and publishes',
  async ({ text }) => {
    const { run, lines, repo, dir, url } = await machine();
    const file = join(dir, 'example.yml');
    writeFileSync(file, inFolder(text, repo).replaceAll('https://packages.example.org', url));
    const event = text.includes('schedule') ? 'push' : 'workflow_dispatch';
    const { results } = await run(file, event, {}, { ref: 'coturn-4.18.0' });
    const failed = Object.values(results).filter(({ result }) => result !== 'success');
    expect(failed, lines.join('\n')).toEqual([]);
    expect(existsSync(join(repo, 'apt/dists/trixie-testing/InRelease'))).toBe(true);
  },
);

it('action.yml gives the signing key only to the step that publishes', () => {
  const { steps } = parse(readFileSync(join(root, 'action.yml'), 'utf8')).runs as {
    steps: { name?: string }[];
  };
  const having = steps.filter((step) => /signing-(?:key|passphrase)/.test(JSON.stringify(step)));
  expect(having.map(({ name }) => name)).toEqual(['Publish']);
});

it('all run blocks of these workflows and of action.yml were executed', () => {
  const all = ['.github/workflows/pipeline.yml', '.github/workflows/release.yml', 'action.yml'].flatMap(
    (file) => runBlocks(parse(readFileSync(join(root, file), 'utf8'))),
  );
  expect(all.length).toBeGreaterThan(15);
  expect(all.filter((block) => !executed.has(block))).toEqual([]);
});

it('all run blocks of ci.yml are commands that a merge runs itself, or that the release does', () => {
  const blocks = runBlocks(parse(readFileSync(join(root, '.github/workflows/ci.yml'), 'utf8')));
  expect([...new Set(blocks)].sort()).toEqual([
    'bin/turnbuild.js doctor || true',
    // As in test/e2e, which takes the sources from the Debian archive.
    'bin/turnbuild.js release 4.6.1 --source github --arch "$ARCH" --roots registry',
    'npm ci',
    'npm run build',
    'npm run check',
    'npm test',
  ]);
});

function runBlocks(node: unknown): string[] {
  if (typeof node !== 'object' || node === null) return [];
  return Object.entries(node).flatMap(([key, value]) =>
    key === 'run' && typeof value === 'string' ? [value] : runBlocks(value),
  );
}
