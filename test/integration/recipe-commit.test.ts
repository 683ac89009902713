import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { runProcess } from '../../src/io/exec.ts';
import { recipeCommit } from '../../src/run/recipe-commit.ts';
import { temporaryFolder } from '../support/sandbox.ts';

const SHA = 'c'.repeat(40);
const IN_ACTIONS = (workspace: string, sha = SHA) => ({
  ...{ GITHUB_ACTIONS: 'true', GITHUB_WORKSPACE: workspace, GITHUB_SHA: sha },
  ...{ GITHUB_SERVER_URL: 'https://github.com', GITHUB_REPOSITORY: 'example/coturn-packages' },
});

const cwd = process.cwd();
let dir: string;
beforeEach(() => {
  dir = temporaryFolder();
  process.chdir(dir);
  // Without the settings of the user and the machine.
  for (const name of ['GIT_CONFIG_GLOBAL', 'GIT_CONFIG_SYSTEM']) vi.stubEnv(name, '/dev/null');
});
afterEach(() => {
  process.chdir(cwd);
  vi.unstubAllEnvs();
});

const git = (...args: string[]) => {
  const own = [
    '-c',
    'user.name=Example',
    '-c',
    'user.email=packages@example.org',
    '-c',
    'init.defaultBranch=main',
    '-c',
    'commit.gpgsign=false',
  ];
  return execFileSync('git', [...own, ...args], { cwd: dir, encoding: 'utf8' }).trim();
};

/** A project in the working directory. @returns the commit that has it */
function committed(): string {
  mkdirSync(join(dir, 'recipes'));
  writeFileSync(join(dir, 'turnbuild.yaml'), 'recipes: recipes\n');
  writeFileSync(join(dir, 'recipes/README'), 'Ours.\n');
  git('init', '--quiet');
  git('add', '.');
  git('commit', '--quiet', '--message', 'Add recipes');
  return git('rev-parse', 'HEAD');
}

const found = (env: Record<string, string> = {}, given?: string) => recipeCommit(runProcess, given, env);

describe('the commit of the recipes', () => {
  it('is that of the project, also from a folder in it', async () => {
    const commit = committed();
    expect(await found()).toEqual({ commit, modified: false });
    process.chdir(join(dir, 'recipes'));
    expect(await found()).toEqual({ commit, modified: false });
  });

  it.each([
    ['turnbuild.yaml', 'recipes: recipes\n\n'],
    ['recipes/README', 'Changed.\n'],
    ['recipes/metrics.yaml', 'New.\n'],
    ['turnbuild.lock.json', '{}\n'],
  ])('says that %s has uncommitted changes', async (name, text) => {
    const commit = committed();
    writeFileSync(join(dir, name), text);
    expect(await found()).toEqual({ commit, modified: true });
  });

  it('ignores changes of other files, e.g. the results', async () => {
    const commit = committed();
    writeFileSync(join(dir, 'manifest.json'), '{}');
    expect(await found()).toEqual({ commit, modified: false });
  });

  it('runs nothing that the repository configures', async () => {
    const commit = committed();
    git('config', 'core.fsmonitor', `touch ${join(dir, 'ran')} #`);
    writeFileSync(join(dir, 'recipes/README'), 'Changed.\n');
    expect(await found()).toEqual({ commit, modified: true });
    expect(git('status', '--porcelain')).toContain('?? ran');
    rmSync(join(dir, 'ran'));
    await found();
    expect(git('-c', 'core.fsmonitor=false', 'status', '--porcelain')).not.toContain('ran');
  });

  it('is that of --recipes', async () => {
    const commit = committed();
    process.chdir(temporaryFolder());
    expect(await found({}, join(dir, 'recipes'))).toEqual({ commit, modified: false });
  });

  it('is unknown outside a repository, without a commit, and without git', async () => {
    writeFileSync(join(dir, 'turnbuild.yaml'), '{}\n');
    expect(await found()).toBe(undefined);
    git('init', '--quiet');
    expect(await found()).toBe(undefined);
    const missing = async () => ({ code: 127, stdout: '', stderr: '' });
    expect(await recipeCommit(missing, undefined, {})).toBe(undefined);
  });

  it('names the repository that GitHub Actions has checked out', async () => {
    const repository = 'https://github.com/example/coturn-packages';
    const commit = committed();
    expect(await found(IN_ACTIONS(dir, commit))).toEqual({ commit, modified: false, repository });
    // Another repository that was checked out into the workspace has another commit.
    expect(await found(IN_ACTIONS(dir))).toEqual({ commit, modified: false });
    expect(await found(IN_ACTIONS(temporaryFolder(), commit))).toEqual({ commit, modified: false });
  });

  it('is that of GitHub Actions if there is no git', async () => {
    writeFileSync(join(dir, 'turnbuild.yaml'), '{}\n');
    const repository = 'https://github.com/example/coturn-packages';
    expect(await found(IN_ACTIONS(dir))).toEqual({ commit: SHA, repository });
    expect(await found(IN_ACTIONS(temporaryFolder()))).toBe(undefined);
  });
});
