import { spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { temporaryFolder } from '../support/sandbox.ts';

const SCRIPT = fileURLToPath(new URL('../../scripts/quickstart.js', import.meta.url));

/** Runs the script in a folder of its own, with a turnbuild that notes what it is asked for and lacks something or not. */
function quickstart(lacks: boolean, ...args: string[]) {
  const dir = temporaryFolder();
  for (const name of ['scripts', 'bin', 'node_modules']) mkdirSync(join(dir, name));
  copyFileSync(SCRIPT, join(dir, 'scripts/quickstart.js'));
  writeFileSync(join(dir, 'node_modules/.package-lock.json'), '{}');
  writeFileSync(join(dir, 'package.json'), '{ "type": "module", "scripts": { "build": "true" } }');
  writeFileSync(
    join(dir, 'bin/turnbuild.js'),
    `import { appendFileSync } from 'node:fs';
const words = process.argv.slice(2).join(' ');
appendFileSync('asked', words + '\\n');
console.log('turnbuild ' + words);
process.exitCode = words === 'doctor' && ${lacks} ? 1 : 0;\n`,
  );
  chmodSync(join(dir, 'bin/turnbuild.js'), 0o755);
  const run = spawnSync(process.execPath, [join(dir, 'scripts/quickstart.js'), ...args], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  return { ...run, asked: readFileSync(join(dir, 'asked'), 'utf8').trim().split('\n') };
}

const RELEASE = 'release 4.6.1 --source debian';

it('changes nothing without a terminal and without --yes: it says what it would do and how to agree', () => {
  const { status, asked, stdout, stderr } = quickstart(true);
  expect(asked).toEqual(['doctor', 'doctor --fix --dry-run']);
  expect(stdout).toMatch(/turnbuild doctor --fix --dry-run/);
  expect(stderr).toMatch(/nothing was changed.*npm run quickstart -- --yes/);
  expect(status).toBe(1);
});

it('installs with --yes, and hands on other options', () => {
  const { status, asked } = quickstart(true, '--yes', '--arch', 'arm64');
  expect(asked).toEqual(['doctor', 'doctor --fix', `${RELEASE} --arch arm64`]);
  expect(status).toBe(0);
});

it('asks nothing where nothing is missing', () => {
  const { status, asked } = quickstart(false);
  expect(asked).toEqual(['doctor', RELEASE]);
  expect(status).toBe(0);
});
