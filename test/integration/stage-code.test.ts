import { createHash } from 'node:crypto';
import { appendFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { expect, it } from 'vitest';
import type { PlanDocument } from '../../src/plan/document.ts';
import { copyProject } from '../support/copied-project.ts';
import { coturnTar } from '../support/coturn-tree.ts';
import { temporaryFolder } from '../support/sandbox.ts';
import { turnbuild } from '../support/turnbuild.ts';

it('the code input of a step changes with the code of its stage, but not with other code or comments', async () => {
  const dir = temporaryFolder();
  const project = copyProject(dir);
  const tarball = gzipSync(coturnTar('4.18.0'));
  writeFileSync(join(dir, 'coturn.tar.gz'), tarball);
  const sha256 = createHash('sha256').update(tarball).digest('hex');
  const keys = async () => {
    project.bundle();
    const args = [
      '--source',
      'coturn.tar.gz',
      '--sha256',
      sha256,
      '--target',
      'debian-13',
      '--arch',
      'arm64',
    ];
    const env = { PATH: dir, TURNBUILD_CACHE: join(dir, 'cache') };
    const run = await turnbuild(['plan', '--native', ...args, '--json'], { cwd: dir, program: dir, env });
    const { steps } = JSON.parse(run.stdout) as PlanDocument;
    return Object.fromEntries(steps.map(({ stage, inputs }) => [stage, inputs]));
  };
  const before = await keys();
  expect(Object.keys(before)).toEqual(['build', 'package', 'verify']);

  const change = (path: string, text: string) => appendFileSync(join(dir, path), text);
  change('src/ui/summary.ts', "\nprocess.stdout.write('');\n");
  change('src/packaging/template.ts', '\n// A remark.\nexport const neverUsed = 1;\n');
  expect(await keys()).toEqual(before);

  change('src/packaging/template.ts', "\nprocess.stdout.write('');\n");
  const after = await keys();
  expect(after.package?.code).not.toBe(before.package?.code);
  expect({ ...after, package: { ...after.package, code: before.package?.code } }).toEqual(before);

  change('src/config/lint.ts', "\nprocess.stdout.write('');\n");
  const judged = await keys();
  expect(judged.verify?.code).not.toBe(after.verify?.code);
  expect([judged.build, judged.package]).toEqual([after.build, after.package]);
});
