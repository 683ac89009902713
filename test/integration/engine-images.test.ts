import { execFileSync } from 'node:child_process';
import { appendFileSync, existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { TurnbuildError } from '../../src/errors.ts';
import { sha256Text } from '../../src/io/files.ts';
import { parsePlan, planDigest } from '../../src/plan/document.ts';
import { verdictOf } from '../../src/ui/outcome.ts';
import { errorOf, temporaryFolder } from '../support/sandbox.ts';
import { type ToyRelease, type ToyRun, toyRelease } from '../support/toy-release.ts';

// The real engine with fake stages: machine images of a release's packages, and what becomes of them when the packages change.
let release: ToyRelease;
beforeEach(async () => {
  release = toyRelease(temporaryFolder());
  await release.run();
  release.performed();
});

const makeImages = (more: ToyRun = {}) => release.run({ images: ['aws', 'gce'], ...more });
const IMAGES = ['arm64', 'x86_64'].flatMap((arch) => ['aws', 'gce'].map((cloud) => `${cloud}:${arch}`));
const ids = (stage: string) => IMAGES.map((name) => `${stage}:${name}`);
/** IDs of the steps of images in the manifest. */
const recorded = () =>
  release
    .manifest()
    .steps.map(({ id }) => id)
    .filter((id) => /^(image|boot):/.test(id))
    .sort();
const files = () => readdirSync(release.out).filter((name) => /^coturn-4.*-(aws|gce)-/.test(name));
const DEB = 'coturn_4.6.1+turnbuild-1~deb13_arm64.deb';

/** Every file that SHA256SUMS lists is intact, and it lists the images in the folder and no others. */
function expectConsistent(): void {
  execFileSync('sha256sum', ['--check', '--strict', '--quiet', 'SHA256SUMS'], { cwd: release.out });
  const sums = readFileSync(join(release.out, 'SHA256SUMS'), 'utf8');
  expect([...sums.matchAll(/^\w+ {2}(\S+-(?:aws|gce)-\S+)$/gm)].map(([, name]) => name)).toEqual(files());
}

describe('images', () => {
  beforeEach(async () => {
    await makeImages();
    expect(release.performed().sort()).toEqual([...ids('boot'), ...ids('image')].sort());
  });

  it('are made from the packages alone, record these, and are listed in SHA256SUMS', () => {
    const { steps } = release.manifest();
    const packages = steps.find(({ id }) => id === 'package:debian-13:arm64')?.outputs ?? [];
    expect(packages).toHaveLength(3);
    const inputs = packages.map(({ path, sha256 }) => ({ path, sha256 }));
    expect(steps.find(({ id }) => id === 'image:aws:arm64')?.inputs).toEqual(inputs);
    expect(files()).toHaveLength(12);
    expectConsistent();
  });

  it('are up to date in the next run, and in a dry run', async () => {
    await makeImages();
    expect(release.performed()).toEqual([]);
    expect((await release.dryRun({ images: ['aws', 'gce'] })).due).toEqual([]);
  });

  it.each([
    ['passes again', 'verify 2'],
    ['fails', 'unfit'],
  ])('stay with their verdicts if the package %s', async (_, recipe) => {
    release.setRecipe('verify', recipe);
    await release.run().catch(() => {});
    expect(release.performed()).toHaveLength(4);
    expect(recorded()).toEqual([...ids('boot'), ...ids('image')].sort());
    expect(files()).toHaveLength(12);
    expectConsistent();
  });

  it('are still up to date after a verification with other options', async () => {
    release.setRecipe('verify', 'verify 2');
    await release.run();
    release.setRecipe('verify', 'verify 1');
    release.performed();
    expect((await release.dryRun({ images: ['aws', 'gce'] })).due).toEqual([]);
    await makeImages();
    expect(release.performed()).toEqual([]);
  });

  it.each<[string, ToyRun]>([
    ['other bytes', {}],
    ['another revision', { revision: 2 }],
  ])('disappear with their files when a package of %s replaces theirs', async (_, options) => {
    release.setRecipe('package', 'package 2');
    await release.run({ ...options, part: 'debian-13 arm64' });
    const others = [...ids('boot'), ...ids('image')].filter((id) => id.endsWith('x86_64'));
    expect(recorded()).toEqual(others.sort());
    expect(files().every((name) => name.includes('x86_64'))).toBe(true);
    expect(files()).toHaveLength(6);
    expectConsistent();
  });

  it('disappear even if a rebuild has dropped the record of the package', async () => {
    release.setRecipe('build', 'build 2');
    await release.run({ revision: 2 });
    expect(recorded()).toEqual([]);
    expect(files()).toEqual([]);
    expectConsistent();
  });

  it('disappear with packages of another target only if they contain them', async () => {
    release.setRecipe('package', 'package 2');
    await release.run({ part: 'debian-12 arm64' });
    expect(recorded()).toHaveLength(8);
    expect(files()).toHaveLength(12);
  });

  it('stay until a package replaces theirs, although packaging fails in between', async () => {
    release.setRecipe('package', 'package 2');
    const step = 'package:debian-13:arm64';
    release.middle.set(step, async () => {
      throw new TurnbuildError('PLANTED', 'planted');
    });
    await errorOf(release.run({ part: 'debian-13 arm64' }));
    expect(recorded()).toHaveLength(8);
    expect(files()).toHaveLength(12);
    expect(verdictOf(release.manifest())).toBe('failed');
    release.middle.clear();
    await release.run({ part: 'debian-13 arm64' });
    expect(recorded()).toHaveLength(4);
    expect(files()).toHaveLength(6);
    expectConsistent();
  });

  it('do not make a release appear verified whose package is missing', async () => {
    release.setRecipe('build', 'build 2');
    const interrupt = new AbortController();
    release.middle.set('package:debian-13:arm64', async ({ io }) => {
      interrupt.abort();
      await io.exec({ file: 'sleep', args: ['60'], effect: 'write' }, { signal: io.signal });
    });
    await errorOf(release.run({ part: 'debian-13 arm64', signal: interrupt.signal }));
    const manifest = release.manifest();
    expect(manifest.steps.map(({ id }) => id)).toContain('image:aws:arm64');
    expect(manifest.steps.map(({ id }) => id)).not.toContain('package:debian-13:arm64');
    expect(verdictOf(manifest)).toBe('unverified');
    expect(readFileSync(join(release.out, 'report.html'), 'utf8')).toContain(
      'the package in coturn-4.6.1-1-aws-arm64.raw.zst, coturn-4.6.1-1-gce-arm64.tar.gz is missing',
    );
  });

  it('disappear with their files if the release is made from other sources', async () => {
    await release.run({ tree: '3'.repeat(64) });
    expect(recorded()).toEqual([]);
    expect(files()).toEqual([]);
    expectConsistent();
  });

  it('of an earlier revision are replaced', async () => {
    await release.run({ revision: 2 });
    await makeImages({ revision: 2, images: ['aws'] });
    expect(files().sort()).toEqual(
      ['arm64', 'x86_64'].flatMap((arch) =>
        ['cdx.json', 'packages.txt', 'raw.zst'].map((end) => `coturn-4.6.1-2-aws-${arch}.${end}`),
      ),
    );
    expectConsistent();
  });

  it('of one cloud are rebuilt alone', async () => {
    release.setRecipe('image', 'image 2');
    await makeImages({ images: ['gce'] });
    expect(recorded()).toEqual([...ids('boot'), ...ids('image')].sort());
    expect(release.performed().every((id) => id.includes(':gce:'))).toBe(true);
    expect(files()).toHaveLength(12);
  });

  it('are booted again only if their bytes change', async () => {
    release.setRecipe('image', 'image 1 # of another archive');
    await makeImages();
    expect(release.performed().sort()).toEqual(ids('image').sort());
  });

  it("keep the release's plan for collect", () => {
    const plan = parsePlan('plan.json', readFileSync(join(release.out, 'plan.json'), 'utf8'), sha256Text);
    expect(plan.choices.machine).toBeUndefined();
    expect(plan.choices.targets).toEqual(['debian-12', 'debian-13']);
    expect(release.manifest().plan).toBe(planDigest(plan, sha256Text));
  });
});

describe('images are refused', () => {
  it.each<[string, () => unknown, string, RegExp]>([
    [
      'without a package',
      () => rmSync(release.out, { recursive: true }),
      'STEP_BLOCKED',
      /:\nnot built, not packaged and not verified yet$/,
    ],
    [
      'of a package that is not verified',
      async () => {
        release.setRecipe('package', 'package 2');
        await release.run({ stages: ['package'] });
      },
      'STEP_BLOCKED',
      /:\nnot verified yet$/,
    ],
    [
      'of a package that has failed its verification',
      async () => {
        release.setRecipe('verify', 'unfit');
        await release.run().catch(() => {});
      },
      'STEP_BLOCKED',
      /:\nnot verified yet$/,
    ],
    [
      'of a package that was changed after its verification',
      () => appendFileSync(join(release.out, DEB), 'x'),
      'ARTIFACT_CHANGED',
      /_arm64\.deb is not the file that package:debian-13:arm64 produced/,
    ],
    [
      'of a package that was removed',
      () => rmSync(join(release.out, DEB)),
      'ARTIFACT_CHANGED',
      /sha256 missing/,
    ],
    [
      'of a package of other recipes',
      () => release.setRecipe('package', 'package 2'),
      'STEP_STALE',
      /the package step used other sources, recipes or options/,
    ],
  ])('%s', async (_, prepare, code, message) => {
    await prepare();
    release.performed();
    const error = await errorOf(makeImages({ images: ['aws'], part: 'debian-13 arm64' }));
    expect(error.code).toBe(code);
    expect(error.message).toMatch(message);
    expect(release.performed()).toEqual([]);
    expect(existsSync(release.out) ? files() : []).toEqual([]);
  });

  it('of another revision, without changing the record of the release', async () => {
    const before = release.manifest();
    const error = await errorOf(makeImages({ revision: 2 }));
    expect(error.code).toBe('STEP_STALE');
    expect(release.manifest()).toEqual(before);
  });

  it('of other sources, without forgetting the release', async () => {
    const before = release.manifest();
    const error = await errorOf(makeImages({ tree: '3'.repeat(64) }));
    expect(error.code).toBe('STEP_STALE');
    expect(error.message).toMatch(/^The packages in .* were built from other sources$/);
    expect(release.manifest()).toEqual(before);
  });

  it('of an architecture or target that was not built, naming only this', async () => {
    rmSync(release.out, { recursive: true });
    await release.run({ part: 'debian-13 x86_64' });
    await release.run({ part: 'debian-12 arm64' });
    const error = await errorOf(makeImages({ images: ['aws'] }));
    expect(error.code).toBe('STEP_BLOCKED');
    expect(error.message).toContain('aws arm64');
    expect(error.message).not.toContain('x86_64');
    expect(error.hint).toContain('turnbuild release --target debian-13 --arch arm64');
    // The other image was made.
    expect(recorded()).toEqual(['boot:aws:x86_64', 'image:aws:x86_64']);
  });
});
