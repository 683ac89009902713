import { spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../support/sandbox.ts';

const SCRIPT = fileURLToPath(new URL('../../scripts/quickstart.js', import.meta.url));

/** A folder with the script and a fake turnbuild that records its arguments. @param lacks whether it reports missing prerequisites */
function clone(lacks: boolean): string {
  const dir = temporaryFolder();
  for (const name of ['scripts', 'bin', 'lib', 'node_modules']) mkdirSync(join(dir, name));
  writeFileSync(join(dir, 'lib/cli.js'), '');
  writeFileSync(join(dir, 'asked'), '');
  copyFileSync(SCRIPT, join(dir, 'scripts/quickstart.js'));
  writeFileSync(join(dir, 'node_modules/.package-lock.json'), '{}');
  writeFileSync(
    join(dir, 'package.json'),
    '{ "type": "module", "scripts": { "build": "echo build >>asked" } }',
  );
  writeFileSync(
    join(dir, 'bin/turnbuild.js'),
    `import { appendFileSync } from 'node:fs';
const words = process.argv.slice(2).join(' ');
appendFileSync('asked', words + '\\n');
console.log('turnbuild ' + words);
process.exitCode = words === 'doctor' && ${lacks} ? 1 : 0;\n`,
  );
  chmodSync(join(dir, 'bin/turnbuild.js'), 0o755);
  return dir;
}

const asked = (dir: string) => readFileSync(join(dir, 'asked'), 'utf8').split('\n').filter(Boolean);

/** Runs it without a terminal. */
function quickstart(dir: string, ...args: string[]) {
  return spawnSync(process.execPath, [join(dir, 'scripts/quickstart.js'), ...args], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

/** Runs it on a terminal and types a second after it shows what it would install, because only then is Ctrl-D a key. */
function onTerminal(dir: string, typed: string) {
  const shell = `{ until grep -qE 'dry-run|release' ${dir}/asked; do sleep 0.1; done; sleep 1; printf '${typed}'; } |
    script -qec '${process.execPath} ${dir}/scripts/quickstart.js' /dev/null`;
  return spawnSync('sh', ['-c', shell], { encoding: 'utf8', timeout: 30_000 });
}
const hasScript = spawnSync('script', ['--version']).status === 0;

const RELEASE = 'release 4.6.1 --source debian';

describe('without a terminal and without --yes', () => {
  it('changes nothing, and prints what it would do and how to confirm', () => {
    const dir = clone(true);
    const { status, stdout, stderr } = quickstart(dir);
    expect(asked(dir)).toEqual(['doctor', 'doctor --fix --dry-run']);
    expect(stdout).toMatch(/turnbuild doctor --fix --dry-run/);
    expect(stderr).toMatch(/nothing was changed[\s\S]*npm run quickstart -- --yes/);
    expect(status).toBe(2);
  });

  it('builds and releases nothing even if no prerequisite is missing', () => {
    const dir = clone(false);
    const { status, stderr } = quickstart(dir, '--arch', 'arm64');
    expect(asked(dir)).toEqual(['doctor']);
    expect(stderr).toMatch(/nothing was changed/);
    expect(status).toBe(2);
  });

  it('does not even build turnbuild in a fresh clone', () => {
    const dir = clone(true);
    rmSync(join(dir, 'node_modules'), { recursive: true });
    const { status, stderr } = quickstart(dir);
    expect(existsSync(join(dir, 'node_modules'))).toBe(false);
    expect(asked(dir)).toEqual([]);
    expect(stderr).toMatch(/nothing was changed/);
    expect(status).toBe(2);
  });
});

it.each([['--help'], ['-h'], ['--yes', '--help']])(
  'prints its help and does nothing with %s %s',
  (...args) => {
    const dir = clone(true);
    const { status, stdout } = quickstart(dir, ...args.filter(Boolean));
    expect(stdout).toMatch(/^Usage: npm run quickstart[\s\S]*--yes[\s\S]*Examples:/);
    expect(Math.max(...stdout.split('\n').map((line) => line.length))).toBeLessThanOrEqual(80);
    expect(asked(dir)).toEqual([]);
    expect(status).toBe(0);
  },
);

it('installs with --yes and passes on other options', () => {
  const dir = clone(true);
  const { status } = quickstart(dir, '--yes', '--arch', 'arm64');
  expect(asked(dir)).toEqual(['build', 'doctor', 'doctor --fix', `${RELEASE} --arch arm64`]);
  expect(status).toBe(0);
});

describe.skipIf(!hasScript)('on a terminal (requires the program script)', () => {
  it('does not ask if no prerequisite is missing', () => {
    const dir = clone(false);
    expect(onTerminal(dir, '').status).toBe(0);
    expect(asked(dir)).toEqual(['build', 'doctor', RELEASE]);
  });

  it.each([
    ['yes', '\\n', 0, ['doctor --fix', RELEASE]],
    ['no', 'n\\n', 1, []],
    ['Ctrl-D', '\\004', 1, []],
  ])('asks before installing: %s', (_, typed, code, then) => {
    const dir = clone(true);
    const { status, stdout } = onTerminal(dir, typed);
    expect(stdout).toMatch(/Install and start this\?/);
    expect(asked(dir)).toEqual(['build', 'doctor', 'doctor --fix --dry-run', ...then]);
    expect(status).toBe(code);
  });
});
