import { createHash } from 'node:crypto';
import { appendFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { expect, it } from 'vitest';
import type { Manifest } from '../../src/manifest/schema.ts';
import type * as Store from '../../src/manifest/store.ts';
import type { PlanDocument } from '../../src/plan/document.ts';
import { type CopiedProject, copyProject } from '../support/copied-project.ts';
import { coturnTar } from '../support/coturn-tree.ts';
import { temporaryFolder } from '../support/sandbox.ts';
import { turnbuild } from '../support/turnbuild.ts';
import { fixture } from '../unit/ui/manifest-fixture.ts';

const STAGE = `
import type { Stage } from './shared/context.ts';

export const soak: Stage = {
  kind: 'boot',
  planned: async () => ({}),
  inputs: async () => ({}),
  commands: (step) => [{ file: 'soak', args: [step.id], effect: 'write' }],
  perform: async () => ({ outputs: [] }),
};
`;

/** Everything that a new stage needs: its file, a line in both tables, its step in the plan, and two lines for its command. */
function addStage({ dir, insert }: CopiedProject): void {
  writeFileSync(join(dir, 'src/stages/soak.ts'), STAGE);
  insert(
    'src/manifest/stages.ts',
    '} as const satisfies',
    "soak: { makes: 'verdicts', pipeline: 'release', bases: [], runsTarget: true, undone: 'not soaked' },",
  );
  insert(
    'src/run/stage-table.ts',
    "import { build } from '../stages/build.ts';",
    "import { soak } from '../stages/soak.ts';",
  );
  insert('src/run/stage-table.ts', 'build, package: packageStage', 'soak, ');
  insert('src/plan/index.ts', '  const all = [...steps', "steps.push(step('soak', ['package'], {}));");
  insert('src/cli/options.ts', '  collect: [', 'soak: [...PACKAGES, ...WRITE],');
  appendFileSync(join(dir, 'src/cli/program.ts'), "stageCommand('soak', 'Soak', []);\n");
}

it('a new stage can be planned, selected, keyed, printed in a dry run and recorded in order', async () => {
  const dir = temporaryFolder();
  const project = copyProject(dir);
  addStage(project);
  project.bundle();
  const tarball = gzipSync(coturnTar('4.18.0'));
  writeFileSync(join(dir, 'coturn.tar.gz'), tarball);
  const sha256 = createHash('sha256').update(tarball).digest('hex');
  const options = ['--source', './coturn.tar.gz', '--sha256', sha256, '--target', 'debian-13'];
  const env = { PATH: dir, TURNBUILD_CACHE: join(dir, 'cache') };
  const run = async (...args: string[]) => {
    const { code, stdout, stderr } = await turnbuild(args, { cwd: dir, program: dir, env });
    expect(code, stderr).toBe(0);
    return stdout;
  };
  /** Unique IDs of the steps whose commands a dry run prints. */
  const due = async (...args: string[]) => {
    const entries = JSON.parse(await run(...args, ...options, '--dry-run', '--json')) as { step: string }[];
    const steps = entries.map(({ step }) => step).filter((id) => !id.startsWith('base:'));
    return [...new Set(steps)];
  };
  const ids = (...stages: string[]) =>
    ['arm64', 'x86_64'].flatMap((arch) => stages.map((stage) => `${stage}:debian-13:${arch}`));

  const plan = JSON.parse(await run('plan', ...options, '--json')) as PlanDocument;
  expect(plan.steps.map(({ id }) => id)).toEqual(ids('build', 'package', 'verify', 'soak'));
  for (const step of plan.steps) expect(step.inputs.code, step.id).toMatch(/^[0-9a-f]{64}$/);

  expect(await due('release')).toEqual(ids('build', 'package', 'verify', 'soak'));
  expect(await due('release', '--no-verify')).toEqual(ids('build', 'package'));
  expect(await due('soak')).toEqual(ids('soak'));
  const printed = await run('soak', ...options, '--dry-run');
  expect(printed).toContain('soak soak:debian-13:arm64\nsoak soak:debian-13:x86_64\n');
  // The stage uses no base image.
  expect(printed).not.toContain('mmdebstrap');

  // The manifest records the step, and removes the record together with the step's inputs.
  await build({
    entryPoints: [join(dir, 'src/manifest/store.ts')],
    outfile: join(dir, 'store.mjs'),
    bundle: true,
    format: 'esm',
    packages: 'external',
  });
  const store: typeof Store = await import(pathToFileURL(join(dir, 'store.mjs')).href);
  const before = fixture();
  const step = (stage: string) => {
    const found = before.steps.find((each) => each.stage === stage);
    if (found === undefined) throw new Error(`the fixture has no ${stage}`);
    return found;
  };
  const booted = { ...step('verify'), id: 'soak', stage: 'soak' as 'verify' };
  const all = store.withStep(before, booted);
  const digest = (text: string) => createHash('sha256').update(text).digest('hex');
  expect(store.parseManifest('m', store.formatManifest(all, digest), digest)).toEqual(all);
  const after = (id: string): Manifest['steps'] => {
    const changed = all.steps.find((each) => each.id === id);
    if (changed === undefined) throw new Error(`there is no ${id}`);
    return store.withStep(all, { ...changed, status: 'failed' }).steps;
  };
  const isOwn = ({ target, arch }: Manifest['steps'][number]) =>
    target === booted.target && arch === booted.arch;
  expect(after(step('verify').id).map(({ id }) => id)).not.toContain('soak');
  expect(
    after('soak')
      .filter(isOwn)
      .map(({ stage }) => stage),
  ).toEqual(['build', 'package', 'verify', 'soak']);
});
