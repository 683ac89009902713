// This machine, as the runner of a workflow.
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** Copies the files of a repository that Git knows, as a checkout does. */
export function checkedOut(from, to) {
  const args = ['ls-files', '-z', '--cached', '--others', '--exclude-standard'];
  const { stdout, status } = spawnSync('git', args, { cwd: from, encoding: 'utf8' });
  if (status !== 0) throw new Error(`${from} is not a Git repository`);
  for (const name of stdout.split('\0').filter((each) => each !== '')) {
    mkdirSync(dirname(join(to, name)), { recursive: true });
    cpSync(join(from, name), join(to, name));
  }
}

/**
 * A runner in a folder.
 * @param dir of the run: checkouts, artifacts, summaries
 * @param given root (turnbuild's folder), project (puts the project's files into a folder), event, ref, secrets
 */
export function localMachine(dir, { root, ...given }) {
  const turnbuild = join(dir, 'turnbuild');
  checkedOut(root, turnbuild);
  const {
    TURNBUILD_SIGNING_KEY: _key,
    TURNBUILD_SIGNING_PASSPHRASE: _passphrase,
    GITHUB_TOKEN: _token,
    ...env
  } = process.env;
  const prefix = join(dir, 'npm');
  const bin = join(dir, 'bin');
  mkdirSync(bin, { recursive: true });
  // Runners have sudo; in a container, root does not need it.
  if (spawnSync('sudo', ['-V']).status !== 0) {
    const script = 'printf \'#!/bin/sh\\nexec "$@"\\n\' >"$1" && chmod +x "$1"';
    spawnSync('sh', ['-c', script, 'sh', join(bin, 'sudo')], { stdio: 'inherit' });
  }
  return {
    ...{ dir, turnbuild, repository: 'example/coturn-packages', called: false },
    ...given,
    env: { ...env, npm_config_prefix: prefix, PATH: `${join(prefix, 'bin')}:${env.PATH}:${bin}` },
  };
}
