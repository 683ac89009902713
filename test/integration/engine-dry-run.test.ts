import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { snapshot, temporaryFolder } from '../support/sandbox.ts';
import { type ToyRelease, type ToyRun, toyRelease } from '../support/toy-release.ts';

// A dry run of fake stages announces what a real run then does.
let dir: string;
let release: ToyRelease;
beforeEach(() => {
  dir = temporaryFolder();
  release = toyRelease(dir);
});

const all = () => release.plan.steps.map(({ id }) => id);
const ofStages = (...stages: string[]) => all().filter((id) => stages.includes(id.split(':')[0] ?? ''));
/** Asserts that a dry run changes nothing and that a real run executes exactly what it listed. */
async function expectDue(due: string[], options: ToyRun = {}) {
  const before = snapshot(dir);
  const said = await release.dryRun(options);
  expect(snapshot(dir)).toEqual(before);
  expect(said.due).toEqual(due);
  const asked = ofStages(...(options.stages ?? ['build', 'package', 'verify']));
  expect([...said.due, ...said.current].sort()).toEqual([...asked].sort());
  release.performed();
  await release.run(options);
  expect(release.performed().sort()).toEqual([...due].sort());
}

describe('a dry run', () => {
  it('lists all steps in the order of the plan if nothing has been built', () => expectDue(all()));

  describe('after a complete release', () => {
    beforeEach(async () => void (await release.run()));

    it('finds all steps up to date', () => expectDue([]));

    it('lists the steps whose recipe has changed, and the steps after them', async () => {
      release.setRecipe('package', 'package 2');
      await expectDue(ofStages('package', 'verify'));
    });

    it('lists the step whose file is missing, and the steps after it', async () => {
      rmSync(join(release.out, 'work/build/debian-12-arm64/program'));
      const said = await release.dryRun();
      expect(said.due).toEqual(all().filter((id) => id.endsWith('debian-12:arm64')));
    });

    it('lists the step whose file has changed', async () => {
      writeFileSync(join(release.out, 'work/verify/debian-13-x86_64/facts.txt'), 'another');
      await expectDue(['verify:debian-13:x86_64']);
    });

    it('lists all steps with --no-cache', () => expectDue(all(), { noCache: true }));

    it('lists the step that a revision rebuilds, and the steps after it', async () => {
      const said = await release.dryRun({ rebuild: ['build:debian-12:x86_64'] });
      expect(said.due).toEqual(all().filter((id) => id.endsWith('debian-12:x86_64')));
    });

    it('does not list a step as up to date if the stage would refuse to run', async () => {
      release.setRecipe('build', 'build 2');
      const said = await release.dryRun({ stages: ['package'] });
      expect(said).toEqual({ due: ofStages('package'), current: [] });
      await expect(release.run({ stages: ['package'] })).rejects.toThrow();
    });

    it('finds selected stages up to date', async () => {
      await expectDue([], { stages: ['package'] });
      await expectDue([], { stages: ['build', 'verify'] });
    });

    it('lists the step whose base image is missing', async () => {
      const said = await release.dryRun({ missingRoots: ['trixie-arm64'] });
      expect(said.due).toEqual(['verify:debian-13:arm64']);
    });

    it('lists only the steps of the selected part', async () => {
      release.setRecipe('verify', 'verify 2');
      const said = await release.dryRun({ part: 'debian-13 arm64' });
      expect(said).toEqual({
        due: ['verify:debian-13:arm64'],
        current: ['build:debian-13:arm64', 'package:debian-13:arm64'],
      });
    });
  });
});
