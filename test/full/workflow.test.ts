import { execFileSync, spawn } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { fileFolder } from '../support/e2e.ts';
import { createSigningHome, type SigningHome } from '../support/signing-home.ts';

// release.yml as a job would run it: npm ci, a real build and verification, and a publication to a folder.
const root = fileURLToPath(new URL('../..', import.meta.url));
const dir = fileFolder('workflow');

let keys: SigningHome;
beforeAll(() => {
  keys = createSigningHome();
});
afterAll(() => keys.remove());

it('release.yml builds, verifies and publishes coturn 4.6.1, from a checkout to an apt repository', async () => {
  const [project, repo, run] = ['project', 'repo', 'run'].map((name) => join(dir, name)) as [
    string,
    string,
    string,
  ];
  mkdirSync(repo, { recursive: true });
  mkdirSync(project);
  for (const name of [
    ...[
      'action.yml',
      'package.json',
      'package-lock.json',
      'bin',
      'src',
      'scripts',
      'recipes',
      'patches',
      'docs',
    ],
  ])
    cpSync(join(root, name), join(project, name), { recursive: true });
  const arch = process.arch === 'arm64' ? 'arm64' : 'x86_64';
  const settings = `source: debian\ntargets: [debian-13]\narchitectures: [${arch}]\n`;
  writeFileSync(join(project, 'turnbuild.yaml'), settings);
  execFileSync('git', ['init', '--quiet'], { cwd: project });
  const key = keys.createKey('Packages <packages@example.org>');
  const variables = {
    TURNBUILD_PROVENANCE: 'false',
    TURNBUILD_TO: 'apt',
    TURNBUILD_REPO: repo,
    TURNBUILD_URL: 'https://packages.example.org',
    TURNBUILD_ROOTS: process.env.TURNBUILD_ROOTS ?? 'bootstrap',
  };
  const code = await new Promise<number | null>((resolve, reject) => {
    const args = [
      ...[join(root, 'scripts/run-workflow.js'), '.github/workflows/release.yml', '--input', 'version=4.6.1'],
      ...['--project', project, '--dir', run],
      ...Object.entries(variables).flatMap(([name, value]) => ['--var', `${name}=${value}`]),
    ];
    const signingKey = keys.gpg(['--armor', '--export-secret-keys', key]);
    spawn(process.execPath, args, {
      env: { ...process.env, TURNBUILD_SIGNING_KEY: signingKey },
      stdio: ['ignore', 'inherit', 'inherit'],
    })
      .on('error', reject)
      .on('close', resolve);
  });
  expect(code).toBe(0);
  const suite = join(repo, 'apt/dists/trixie-testing');
  expect(readFileSync(join(suite, 'InRelease'), 'utf8')).toContain('Suite: trixie-testing');
  expect(existsSync(join(repo, 'releases/testing.json'))).toBe(true);
  expect(readFileSync(join(run, 'jobs/collect/summary.md'), 'utf8')).toContain(
    '✓ Every check that ran passed',
  );
});
