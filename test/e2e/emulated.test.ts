import { join } from 'node:path';
import { expect, it } from 'vitest';
import { FOREIGN, fileFolder, manifestOf, release, run461 } from '../support/e2e.ts';
import { expectVerified } from '../support/verified.ts';

// Cross-compiles for the other architecture and fully verifies one package under QEMU. test/full verifies the others.
const out = join(fileFolder('emulated'), 'dist');

it('builds the packages of all default targets for the emulated architecture', async () => {
  const run = await release(['--out', out, '--arch', FOREIGN, '--no-verify']);
  expect(run.code, run.stderr).toBe(0);
  const { steps } = manifestOf(out);
  expect(steps.map(({ id, status }) => `${id} ${status}`).sort()).toEqual(
    ['build', 'package'].flatMap((stage) =>
      ['debian-12', 'debian-13', 'portable'].map((target) => `${stage}:${target}:${FOREIGN} done`),
    ),
  );
});

it('verifies one of them completely', async () => {
  const run = await run461('verify', ['--out', out, '--target', 'debian-13', '--arch', FOREIGN]);
  console.log(run.stdout, run.stderr);
  expect(run.code).toBe(0);
  expectVerified(manifestOf(out), `verify:debian-13:${FOREIGN}`);
});
