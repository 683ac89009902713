import { appendFileSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { errorOf, snapshot, temporaryFolder } from '../support/sandbox.ts';
import { printed, type ToyRelease, toyRelease } from '../support/toy-release.ts';

// The real engine with fake stages: which steps run again, and which runs are refused.
let dir: string;
let release: ToyRelease;
beforeEach(() => {
  dir = temporaryFolder();
  release = toyRelease(dir);
});

const PACKAGES = ['debian-12:arm64', 'debian-12:x86_64', 'debian-13:arm64', 'debian-13:x86_64'];
const steps = (...stages: string[]) =>
  PACKAGES.flatMap((name) => stages.map((stage) => `${stage}:${name}`)).sort();
const DEB = 'coturn_4.6.1+turnbuild-1~deb13_amd64.deb';
/** All files except those that each run rewrites: the reports, and the manifest, which is compared separately. */
const made = () =>
  snapshot(release.out).filter(
    (line) => !/^(report\.html|junit\.xml|SHA256SUMS|manifest\.json|work|work\/logs) /.test(line),
  );

describe('the engine', () => {
  it('runs the stages of each package in order, with --jobs packages in parallel', async () => {
    // The first steps wait for each other; otherwise a fast one could end before the third starts.
    let begun = 0;
    let go: (value?: unknown) => void = () => {};
    const three = new Promise((done) => {
      go = done;
    });
    for (const name of PACKAGES)
      release.middle.set(`build:${name}`, async () => {
        begun += 1;
        if (begun === 3) go();
        await Promise.race([three, pause(10_000)]);
      });
    const manifest = await release.run({ jobs: 3 });
    const order = release.performed();
    expect([...order].sort()).toEqual(steps('build', 'package', 'verify'));
    for (const name of PACKAGES)
      expect(order.filter((id) => id.endsWith(name))).toEqual(
        ['build', 'package', 'verify'].map((stage) => `${stage}:${name}`),
      );
    expect(release.most()).toBe(3);
    expect(manifest.steps.map(({ status }) => status)).toEqual(Array(12).fill('done'));
    expect(printed(dir)).not.toContain('not tried');
    expect(release.manifest()).toEqual(manifest);
    // A verdict is bound to these bytes.
    const byId = new Map(manifest.steps.map((step) => [step.id, step]));
    for (const name of PACKAGES) {
      const packages = (byId.get(`package:${name}`)?.outputs ?? []).map(({ path, sha256 }) => ({
        path,
        sha256,
      }));
      expect(packages).not.toEqual([]);
      expect(byId.get(`verify:${name}`)?.inputs).toEqual(expect.arrayContaining(packages));
    }
    expect(readFileSync(join(release.out, 'work/logs/build-debian-12-arm64.log'), 'utf8')).toBe(
      'build:debian-12:arm64 is at work\n',
    );
  });

  it('writes packages and reports to the top level and everything else to work/', async () => {
    const { steps } = await release.run();
    const packages = steps.filter(({ stage }) => stage === 'package').flatMap(({ outputs }) => outputs);
    expect(packages).toHaveLength(12);
    expect(readdirSync(release.out).sort()).toEqual(
      [
        ...packages.map(({ path }) => path),
        ...['SHA256SUMS', 'junit.xml', 'manifest.json', 'plan.json', 'report.html', 'work'],
      ].sort(),
    );
  });

  it('keeps the later steps if a changed recipe produces the same bytes', async () => {
    await release.run();
    release.performed();
    release.setRecipe('build', 'build 1 # with a comment');
    await release.run();
    expect(release.performed().sort()).toEqual(steps('build'));
    await release.run({ stages: ['verify'] });
    expect(release.performed()).toEqual([]);
  });

  it('does not let steps under QEMU take all jobs while native steps wait', async () => {
    const emulated = PACKAGES.filter((name) => name.endsWith('arm64')).map((name) => `verify:${name}`);
    const native = steps('verify').filter((id) => !emulated.includes(id));
    const allBegun = () => native.every((each) => release.performed(false).includes(each));
    let [running, most] = [0, 0];
    for (const id of emulated)
      release.middle.set(id, async () => {
        running += 1;
        if (!allBegun()) most = Math.max(most, running);
        await vi.waitUntil(allBegun);
        running -= 1;
      });
    await release.run({ jobs: 2 });
    expect(most).toBe(1);
    expect(release.manifest().steps).toHaveLength(12);
  });

  it('changes nothing if everything is up to date', async () => {
    await release.run();
    release.performed();
    const [before, { steps: recorded }] = [made(), release.manifest()];
    await release.run();
    expect(release.performed()).toEqual([]);
    expect(printed(dir).match(/: (build|package|verify): up to date/g)).toHaveLength(12);
    expect(made()).toEqual(before);
    expect(release.manifest().steps).toEqual(recorded);
  });

  it('repeats the steps that a changed input affects, directly or indirectly', async () => {
    await release.run();
    release.performed();
    release.setRecipe('package', 'package 2');
    await release.run();
    expect(release.performed().sort()).toEqual(steps('package', 'verify'));
    expect(readFileSync(join(release.out, DEB), 'utf8')).toMatch(/^package 2 of /);
    release.setRecipe('build', 'build 2');
    await release.run();
    expect(release.performed().sort()).toEqual(steps('build', 'package', 'verify'));
    // The verdict is bound to the current package, whose digest differs from the previous one's.
    release.setRecipe('verify', 'verify 2');
    await release.run();
    expect(release.performed().sort()).toEqual(steps('verify'));
  });

  it.each<[string, (file: string) => void]>([
    ['changed', (file) => appendFileSync(file, 'x')],
    ['removed', (file) => rmSync(file)],
  ])('refuses to verify a package that was %s, and repackages it in a full run', async (_, damage) => {
    await release.run();
    release.performed();
    const file = join(release.out, DEB);
    const good = readFileSync(file);
    damage(file);
    const error = await errorOf(release.run({ stages: ['verify'] }));
    expect(error.code).toBe('ARTIFACT_CHANGED');
    expect(error.message).toContain(`${file} is not the file that package:debian-13:x86_64 produced`);
    expect(release.performed()).toEqual([]);
    await release.run();
    // The bytes are the same, so the verdict still holds.
    expect(release.performed()).toEqual(['package:debian-13:x86_64']);
    expect(readFileSync(file)).toEqual(good);
  });

  it('repeats only the build step whose file was changed', async () => {
    await release.run();
    release.performed();
    writeFileSync(join(release.out, 'work/build/debian-12-arm64/program'), 'another');
    const error = await errorOf(release.run({ stages: ['package'] }));
    expect(error.code).toBe('ARTIFACT_CHANGED');
    await release.run();
    expect(release.performed()).toEqual(['build:debian-12:arm64']);
  });

  it('repeats all steps without a cache, and the steps to rebuild despite the manifest', async () => {
    await release.run();
    release.performed();
    await release.run({ noCache: true });
    expect(release.performed().sort()).toEqual(steps('build', 'package', 'verify'));
    await release.run({ rebuild: ['build:debian-13:arm64'] });
    expect(release.performed()).toEqual(['build:debian-13:arm64']);
  });

  it('runs only the selected stages and continues from there', async () => {
    await release.run({ stages: ['build'] });
    expect(release.performed().sort()).toEqual(steps('build'));
    await release.run({ stages: ['package'] });
    expect(release.performed().sort()).toEqual(steps('package'));
    await release.run();
    expect(release.performed().sort()).toEqual(steps('verify'));
  });
});

describe('a single stage', () => {
  it('is refused if the stage before it has not run', async () => {
    const error = await errorOf(release.run({ stages: ['package'] }));
    expect(error.code).toBe('STEP_BLOCKED');
    for (const name of PACKAGES) expect(error.message).toContain(name.replace(':', ' '));
    expect(error.message.match(/not built yet/g)).toHaveLength(1);
    expect(error.hint).toContain('turnbuild release');
    expect(release.performed()).toEqual([]);
  });

  it('names only the missing stage', async () => {
    await release.run({ stages: ['build'] });
    const error = await errorOf(release.run({ stages: ['verify'] }));
    expect(error.code).toBe('STEP_BLOCKED');
    expect(error.message).toMatch(/:\nnot packaged yet$/);
    expect(error.hint).toBe('Run `turnbuild package` first, or `turnbuild release`.');
  });

  it('is refused if the stage before it has failed', async () => {
    for (const name of PACKAGES)
      release.middle.set(`build:${name}`, () => Promise.reject(new Error('planted')));
    await release.run({ stages: ['build'] }).catch(() => {});
    const error = await errorOf(release.run({ stages: ['package'] }));
    expect(error.message).toMatch(/:\nnot built yet$/);
  });

  it('is refused if the results of the stage before it are stale', async () => {
    await release.run();
    release.performed();
    release.setRecipe('build', 'build 2');
    const error = await errorOf(release.run({ stages: ['package'] }));
    expect(error.code).toBe('STEP_STALE');
    expect(error.message).toMatch(
      /^package failed for .*debian-12 arm64[\s\S]*:\nthe build step used other sources, recipes or options$/,
    );
    expect(error.hint).toContain('turnbuild release');
    expect(release.performed()).toEqual([]);
  });
});

describe('an unusable manifest', () => {
  it.each<[string, (text: string) => string, string, RegExp]>([
    ['edited', (text) => text.replace('"passed"', '"accepted"'), 'MANIFEST_CHANGED', /Remove it/],
    [
      'of a newer turnbuild',
      (text) => text.replace('"schema": 3', '"schema": 99'),
      'MANIFEST_NEWER',
      /newer one/,
    ],
    ['truncated', (text) => text.slice(0, 500), 'MANIFEST_INVALID', /Remove it/],
  ])('is refused and left unchanged: %s', async (_, change, code, hint) => {
    await release.run();
    release.performed();
    const file = join(release.out, 'manifest.json');
    const changed = change(readFileSync(file, 'utf8'));
    expect(changed).not.toBe(readFileSync(file, 'utf8'));
    writeFileSync(file, changed);
    const error = await errorOf(release.run());
    expect(error.code).toBe(code);
    expect(error.message).toContain(file);
    expect(error.hint).toMatch(hint);
    expect(release.performed()).toEqual([]);
    expect(readFileSync(file, 'utf8')).toBe(changed);
  });
});
