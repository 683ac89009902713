import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { ManifestStep } from '../../../src/manifest/schema.ts';
import { createPlan } from '../../../src/plan/index.ts';
import { openManifest, readManifest } from '../../../src/run/manifest-file.ts';
import type { PlannedRelease } from '../../../src/run/session.ts';
import { releaseFacts } from '../../support/plan-facts.ts';
import { temporaryFolder } from '../../support/sandbox.ts';

const release = (dir: string, tree: string | undefined): PlannedRelease => {
  const sha256 = '1'.repeat(64);
  const source = tree === undefined ? undefined : { provider: 'file' as const, location: 'a', sha256, tree };
  return { plan: createPlan({ ...releaseFacts, source }), document: undefined, dir } as PlannedRelease;
};
const STEP: ManifestStep = {
  ...{ id: 'build:debian-12:arm64', stage: 'build', key: 'a'.repeat(64), inputs: [], bases: {} },
  ...{ status: 'done', seconds: 1, outputs: [], target: 'debian-12', arch: 'arm64' },
};

it('openManifest keeps the steps of earlier runs only if the sources are the same', async () => {
  const dir = temporaryFolder();
  const store = await openManifest(release(dir, '2'.repeat(64)));
  await store.record(STEP);
  expect((await openManifest(release(dir, '2'.repeat(64)))).read().steps).toEqual([STEP]);
  const other = await openManifest(release(dir, '3'.repeat(64)));
  expect(other.read().steps).toEqual([]);
  expect(other.earlier).toEqual([STEP]);
  expect((await readManifest(dir))?.steps).toEqual([]);
});

it('openManifest records the commit of the recipes with the steps that they make, and keeps it', async () => {
  const dir = temporaryFolder();
  const planned = release(dir, '2'.repeat(64));
  const recipes = { commit: 'c'.repeat(40), modified: false };
  const made = { ...STEP, planned: 'b'.repeat(64) };
  const store = await openManifest(planned, recipes);
  await store.record(made);
  // A package that was given as a file.
  await store.record({ ...STEP, id: 'package:debian-12:arm64', stage: 'package' });
  const steps = [{ ...made, recipes }, expect.not.objectContaining({ recipes })];
  expect((await readManifest(dir))?.steps).toEqual(steps);
  // What is up to date stays as it was made.
  const later = await openManifest(planned, { commit: 'd'.repeat(40), modified: true });
  expect(later.read().steps).toEqual(steps);
});

it('the manifest of a package file has its package version and no source', async () => {
  const dir = temporaryFolder();
  const planned = release(dir, undefined);
  const steps = planned.plan.steps.map((step) => ({ ...step, packageVersion: '1:4.6.1-1' }));
  await openManifest({ ...planned, plan: { ...planned.plan, steps } });
  const written = JSON.parse(readFileSync(join(dir, 'manifest.json'), 'utf8'));
  expect(written.packageVersion).toBe('1:4.6.1-1');
  expect(written).not.toHaveProperty('source');
});
