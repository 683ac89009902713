import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { sha256Text } from '../../src/io/files.ts';
import type { ManifestStep } from '../../src/manifest/schema.ts';
import { type StageName, stagesOf } from '../../src/manifest/stages.ts';
import { formatManifest } from '../../src/manifest/store.ts';
import { formatPlan, parsePlan } from '../../src/plan/document.ts';
import type { PlannedStep } from '../../src/plan/types.ts';
import { ownArch } from '../../src/run/builder.ts';
import { planGiven } from '../../src/run/given-plan.ts';
import { defaultJobs } from '../../src/run/options.ts';
import { planFile } from '../../src/run/package-file.ts';
import { plannedSource, planRelease } from '../../src/run/planning.ts';
import { assumedRevision, chooseRevision } from '../../src/run/revision.ts';
import { openSession, type Session } from '../../src/run/session.ts';
import { withRebuilt } from '../../src/run/step-keys.ts';
import { coturnTar } from '../support/coturn-tree.ts';
import { debOf } from '../support/deb-builder.ts';
import { errorOf, temporaryFolder } from '../support/sandbox.ts';

// Calls functions instead of the CLI. With `native`, planning does not call Docker.
const tarball = coturnTar('4.18.0');
const sha256 = createHash('sha256').update(tarball).digest('hex');
let dir: string;
let lines: string[];
beforeEach(() => {
  dir = temporaryFolder();
  lines = [];
  writeFileSync(join(dir, 'coturn.tar'), tarball);
  vi.stubEnv('TURNBUILD_CACHE', join(dir, 'cache'));
});
afterEach(() => void vi.unstubAllEnvs());

const output = { line: (text: string) => void lines.push(text), styled: () => {}, data: () => {} };
const open = (options: Session['options'] = {}) =>
  openSession(
    { native: true, json: true, source: join(dir, 'coturn.tar'), sha256, out: join(dir, 'dist'), ...options },
    output,
    new AbortController().signal,
  );
async function plan(
  options: Session['options'] = {},
  stages: readonly StageName[] = stagesOf('release'),
  perform = false,
) {
  return planRelease(await open(options), undefined, { stages, perform });
}
const PORTABLE = { target: ['portable'], arch: ['arm64'] };

describe('a session', () => {
  it('uses the options or their defaults', async () => {
    expect(await open()).toMatchObject({ jobs: defaultJobs(), mirrors: { named: {} } });
    const mirror = ['http://a.test/debian', 'el9=http://b.test'];
    expect(await open({ jobs: '7', mirror })).toMatchObject({
      jobs: 7,
      mirrors: { debian: 'http://a.test/debian', named: { el9: 'http://b.test' } },
    });
  });

  it('creates a cache that only its user can write to, except in a dry run', async () => {
    await open({ dryRun: true });
    expect(existsSync(join(dir, 'cache'))).toBe(false);
    await open();
    expect(statSync(join(dir, 'cache')).mode & 0o022).toBe(0);
  });

  it('executes commands that change something, but only prints them in a dry run', async () => {
    const touch = { file: 'touch', args: [join(dir, 'touched')], effect: 'write' as const };
    await (await open({ dryRun: true })).io.exec(touch);
    expect(lines).toEqual([`touch ${join(dir, 'touched')}`]);
    expect(existsSync(join(dir, 'touched'))).toBe(false);
    await (await open()).io.exec(touch);
    expect(existsSync(join(dir, 'touched'))).toBe(true);
  });

  it('uses the installed recipes or those of --recipes', async () => {
    expect((await open()).recipes.dir).toBe(resolve('recipes'));
    const error = await errorOf(open({ recipes: join(dir, 'none') }));
    expect(error.message).toBe(`No recipes found in ${join(dir, 'none')}: release.yaml is missing`);
  });
});

describe('a plan', () => {
  it('covers all targets and architectures of the recipe, in a folder of its version', async () => {
    const { document, dir: folder, plan: part } = await plan();
    const { recipes } = await open();
    expect(document.choices).toEqual({
      targets: recipes.release.targets,
      architectures: recipes.release.architectures,
      compilesOn: { arm64: 'arm64', x86_64: 'x86_64' },
      verify: true,
      selection: { only: [], skip: [], accept: [] },
      full: false,
      rebuild: [],
    });
    expect(document.coturn).toMatchObject({ version: '4.18.0', revision: recipes.release.revision });
    expect(document.maintainer).toBe(recipes.release.maintainer);
    expect(folder).toBe(join(dir, 'dist/4.18.0'));
    expect(part.steps.map(({ id }) => id)).toEqual(document.steps.map(({ id }) => id));
    expect(document.source).toMatchObject({ provider: 'file', sha256 });
  });

  it('follows the options', async () => {
    const verifyOn = `almalinux:9@sha256:${'a'.repeat(64)}`;
    const maintainer = 'A B <a@example.org>';
    const { document, selection, full } = await plan({
      ...{ target: ['portable'], arch: ['x86_64'], verifyOn, maintainer, full: true, revision: '3' },
      only: ['elf'],
    });
    expect(document.choices).toMatchObject({
      ...{ targets: ['portable'], architectures: ['x86_64'], full: true, verifyOn },
      selection: { only: ['elf'], skip: [], accept: [] },
    });
    expect(document.coturn.revision).toBe(3);
    expect(document.maintainer).toBe(maintainer);
    expect([full, selection.only]).toEqual([true, ['elf']]);
    expect(document.steps.map(({ target, arch }) => `${target} ${arch}`)).toEqual(
      Array(3).fill('portable x86_64'),
    );
  });

  it('goes to dist in the current folder without --out', async () => {
    const session = await open(PORTABLE);
    delete session.options.out;
    const { dir: folder } = await planRelease(session, undefined, {
      stages: stagesOf('release'),
      perform: false,
    });
    expect(folder).toBe(resolve('dist/4.18.0'));
  });

  it.each<[StageName[], boolean]>([
    [['build', 'package'], false],
    [['build', 'package', 'verify'], true],
  ])('has verification steps only if the stages %j include them', async (stages, verify) => {
    const { document } = await plan(PORTABLE, stages);
    expect(document.choices.verify).toBe(verify);
    expect(document.steps.some(({ stage }) => stage === 'verify')).toBe(verify);
  });

  it('is the same for a single stage, with only the base images that this uses', async () => {
    vi.stubEnv('PATH', dir);
    const foreign = ownArch() === 'arm64' ? 'x86_64' : 'arm64';
    const of = (stages: StageName[]) =>
      plan({ native: false, target: ['debian-13'], arch: [foreign] }, stages);
    const planned = await of(['package']);
    // The foreign base image is not used for packaging.
    expect(planned.plan.bases.map(({ id }) => id)).toEqual([`trixie-${ownArch()}`]);
    expect((await of(['verify'])).plan.bases.map(({ id }) => id)).toContain(`trixie-${foreign}`);
    expect(planned.document).toEqual((await of(['build', 'package'])).document);
  });

  it('accepts a builder that cannot run the packages, unless they are verified', async () => {
    const error = await errorOf(plan({}, ['build', 'package', 'verify'], true));
    expect(error.code).toBe('BUILDER_PLATFORM_MISSING');
    expect((await plan({}, ['build', 'package'], true)).plan.steps).not.toEqual([]);
  });

  it.each<[string, Session['options'], string]>([
    ['target', { target: ['debian-99'] }, 'TARGET_UNKNOWN'],
    ['check', { only: ['nothing'] }, 'CHECK_UNKNOWN'],
    ['revision', { revision: '0' }, 'OPTION_INVALID'],
    ['maintainer', { maintainer: 'nobody' }, 'OPTION_INVALID'],
    ['image', { verifyOn: 'almalinux:9' }, 'OPTION_INVALID'],
  ])('is refused for an invalid %s before the sources are looked up', async (_, options, code) => {
    expect((await errorOf(plan({ ...options, source: join(dir, 'none.tar') }))).code).toBe(code);
  });

  it.each<[string, Session['options'], string]>([
    ['cloud', { cloud: ['azure'] }, 'CLOUD_UNKNOWN'],
    ['size', { size: '65' }, 'OPTION_INVALID'],
    ['architecture', { arch: ['riscv64'] }, 'ARCH_UNKNOWN'],
  ])('of images is refused for an invalid %s before the sources are looked up', async (_, options, code) => {
    const images = plan({ ...options, source: join(dir, 'none.tar') }, stagesOf('image'));
    expect((await errorOf(images)).code).toBe(code);
  });

  it('keeps the rebuilt steps of the release in its folder, sorted', async () => {
    const { document, keys, dir: folder } = await plan({ target: ['portable'], revision: '2' });
    const ids = ['build:portable:x86_64', 'build:portable:arm64'];
    const again = withRebuilt(keys, new Set(ids), 2);
    mkdirSync(folder, { recursive: true });
    const steps = ids.map((id): ManifestStep => {
      const { stage, target, arch } = document.steps.find((step) => step.id === id) as PlannedStep;
      const key = '0'.repeat(64);
      return {
        ...{ id, stage, target, arch, key, planned: again.get(id)?.key, status: 'done', seconds: 0 },
        ...{ outputs: [], inputs: [], bases: {} },
      };
    });
    const manifest = {
      ...{ schema: 3 as const, turnbuild: '0.1.0', coturn: document.coturn, packageVersion: '4.18.0' },
      ...{ advisories: [], bases: [], steps },
    };
    writeFileSync(join(folder, 'manifest.json'), formatManifest(manifest, sha256Text));
    const next = await plan({ target: ['portable'], revision: '2' });
    expect(next.document.choices.rebuild).toEqual([...ids].sort());
    for (const id of ids) expect(next.keys.get(id)).toEqual(again.get(id));
    // Not repeating finished steps depends on the manifest, not on the command.
    expect(next.rebuild).toEqual(new Set());
    expect((await plan({ target: ['portable'], revision: '3' })).document.choices.rebuild).toEqual([]);
  });
});

describe('a plan given with --plan', () => {
  /** A plan for this kind of machine, made without Docker. */
  const made = async (options: Session['options'] = {}) => {
    vi.stubEnv('PATH', dir);
    const planned = await plan({ native: false, ...options });
    writeFileSync(join(dir, 'plan.json'), formatPlan(planned.document, sha256Text));
    return planned;
  };
  const given = async (
    { stages = stagesOf('release'), version }: { stages?: readonly StageName[]; version?: string } = {},
    options: Session['options'] = {},
  ) => {
    const session = await open();
    session.options = { json: true, out: join(dir, 'elsewhere'), ...options };
    return planGiven(session, join(dir, 'plan.json'), { version, stages, perform: false });
  };

  it('is performed unchanged', async () => {
    const planned = await made({ full: true, only: ['elf'] });
    const again = await given();
    expect(again.document).toEqual(
      parsePlan('plan.json', formatPlan(planned.document, sha256Text), sha256Text),
    );
    expect(again.plan).toEqual(planned.plan);
    expect(again.keys).toEqual(planned.keys);
    expect(again.source.tree).toBe(planned.source.tree);
    expect([again.full, again.selection.only]).toEqual([true, ['elf']]);
    expect(again.dir).toBe(join(dir, 'elsewhere/4.18.0'));
    expect(again.rebuild).toEqual(new Set());
  });

  it('is limited to the selected targets, architectures and stages', async () => {
    await made();
    const part = await given({ stages: ['package'] }, { target: ['portable'], arch: ['x86_64'] });
    expect([...new Set(part.plan.steps.map(({ target, arch }) => `${target} ${arch}`))]).toEqual([
      'portable x86_64',
    ]);
    expect(part.plan.bases.every(({ id }) => id.includes('x86_64'))).toBe(true);
  });

  it.each<[string, Parameters<typeof given>, string, string]>([
    [
      'a version',
      [{ version: '4.18.0' }],
      'OPTION_CONFLICT',
      'the version: already decided by the plan given with --plan',
    ],
    [
      'a version and options',
      [{ version: '4.18.0' }, { revision: '2', native: true }],
      'OPTION_CONFLICT',
      'the version, --revision, --native: already decided by the plan given with --plan',
    ],
    [
      'a target that it lacks',
      [{}, { target: ['debian-12'] }],
      'PLAN_PART_UNKNOWN',
      'The plan has no target "debian-12"',
    ],
    [
      'an architecture that it lacks',
      [{}, { arch: ['arm64'] }],
      'PLAN_PART_UNKNOWN',
      'The plan has no architecture "arm64"',
    ],
    [
      'stages that it lacks',
      [{ stages: ['verify'] }],
      'PLAN_PART_UNKNOWN',
      'The plan contains no verify step for portable on x86_64',
    ],
  ])('is refused with %s', async (_, args, code, message) => {
    vi.stubEnv('PATH', dir);
    const { document } = await plan({ native: false, target: ['portable'], arch: ['x86_64'] }, ['package']);
    writeFileSync(join(dir, 'plan.json'), formatPlan(document, sha256Text));
    const error = await errorOf(given(...args));
    expect([error.code, error.message]).toEqual([code, message]);
  });

  it('is refused if the builder would compile on another architecture', async () => {
    await made({ native: true });
    const foreign = ownArch() === 'arm64' ? 'x86_64' : 'arm64';
    const error = await errorOf(given());
    expect(error.code).toBe('PLAN_DIFFERS');
    expect(error.message).toBe(
      `The plan compiles for ${foreign} on ${foreign}, but the builder (assumed) would compile on ${ownArch()}`,
    );
    expect((await given({}, { arch: [ownArch()] })).plan.steps).not.toEqual([]);
  });
});

describe('a package file', () => {
  const DEB = 'coturn.deb';
  const file = () => join(dir, 'there', DEB);
  /** Plans its verification without Docker. */
  const given = async (options: Session['options'] = {}, version = '1:4.6.1-2~deb13') => {
    mkdirSync(join(dir, 'there'), { recursive: true });
    writeFileSync(file(), debOf(`Package: coturn\nVersion: ${version}\nArchitecture: arm64\n`));
    vi.stubEnv('PATH', dir);
    const session = await open();
    session.options = { json: true, out: join(dir, 'dist'), ...options };
    return { session, ...(await planFile(session, file(), { perform: false })) };
  };

  it('is only verified, for the target and architecture that it names', async () => {
    const { described, release } = await given();
    expect(described).toMatchObject({ version: '4.6.1', arch: 'arm64', packageVersion: '1:4.6.1-2~deb13' });
    expect(described.target.name).toBe('debian-13');
    expect(release.plan.steps).toMatchObject([
      { id: 'verify:debian-13:arm64', stage: 'verify', packages: [DEB], packageVersion: '1:4.6.1-2~deb13' },
    ]);
    expect([...release.keys.keys()]).toEqual(['verify:debian-13:arm64']);
    expect(release).toMatchObject({
      source: undefined,
      document: undefined,
      full: false,
      rebuild: new Set(),
    });
    expect(release.dir).toBe(join(dir, 'dist/verified/coturn'));
  });

  it('is verified according to the options', async () => {
    const { release, described } = await given(
      { target: ['debian-12'], full: true, only: ['elf'] },
      '4.6.1-2',
    );
    expect(described.target.name).toBe('debian-12');
    expect([release.full, release.selection.only]).toEqual([true, ['elf']]);
  });

  it('has its results in dist of the current folder without --out', async () => {
    const { session } = await given();
    delete session.options.out;
    const { release } = await planFile(session, file(), { perform: false });
    expect(release.dir).toBe(resolve('dist/verified/coturn'));
  });

  it('is copied and recorded with its debug symbols', async () => {
    mkdirSync(join(dir, 'there'));
    const symbols = 'coturn-dbgsym_4.6.1-2~deb13_arm64.deb';
    writeFileSync(join(dir, 'there', symbols), 'symbols');
    const { release, adopt } = await given();
    expect(release.plan.steps[0]?.packages).toEqual([DEB, symbols]);
    const recorded: ManifestStep[] = [];
    await adopt({
      earlier: [],
      read: () => ({}) as never,
      record: async (step) => void recorded.push(step),
      recordBase: async () => {},
    });
    const output = (path: string, kind: string) => {
      const bytes = readFileSync(join(release.dir, path));
      const hash = createHash('sha256').update(bytes).digest('hex');
      return { path, kind, size: bytes.length, sha256: hash, target: 'debian-13', arch: 'arm64' };
    };
    expect(recorded).toMatchObject([
      {
        ...{
          id: 'package:debian-13:arm64',
          stage: 'package',
          status: 'done',
          target: 'debian-13',
          arch: 'arm64',
        },
        outputs: [output(DEB, 'deb'), output(symbols, 'deb-dbgsym')],
      },
    ]);
    expect(readFileSync(join(release.dir, DEB))).toEqual(readFileSync(file()));
  });

  it.each<[string, Session['options'], string]>([
    ['--arch', { arch: ['arm64'] }, 'OPTION_INVALID'],
    ['two targets', { target: ['debian-12', 'debian-13'] }, 'OPTION_INVALID'],
    ['an unknown target', { target: ['debian-99'] }, 'TARGET_UNKNOWN'],
    ['an unknown check', { only: ['nothing'] }, 'CHECK_UNKNOWN'],
    ['--source', { source: 'github' }, 'OPTION_CONFLICT'],
  ])('is refused with %s', async (_, options, code) => {
    expect((await errorOf(given(options))).code).toBe(code);
  });

  it.each(['..deb', '...deb', 'a\u0007.deb', '\u2800.deb'])('is refused under the name %j', async (name) => {
    const { session } = await given();
    const error = await errorOf(planFile(session, join(dir, name), { perform: false }));
    expect(error.code).toBe('ARGUMENT_INVALID');
  });
});

it('plannedSource includes the commit and the Git tree only if they are known', () => {
  const source = { provider: 'file' as const, location: 'x', sha256, tree: 't' };
  const found = (more: object) => ({ ...source, version: '1', epoch: 0, ...more }) as never;
  expect(plannedSource(found({}))).toStrictEqual(source);
  expect(plannedSource(found({ commit: 'c' }))).toStrictEqual({ ...source, commit: 'c' });
  expect(plannedSource(found({ gitTree: 'g' }))).toStrictEqual({ ...source, gitTree: 'g' });
});

describe('a revision', () => {
  const made = { coturn: { version: '4.18.0', revision: 5, epoch: 0 }, steps: [] } as never;

  it.each([
    [undefined, 1, 1],
    ['7', 7, 7],
    // The revision of the existing packages.
    ['auto', 5, 1],
  ])('given as %s is %i', async (revision, chosen, assumed) => {
    const session = await open(revision === undefined ? {} : { revision });
    expect(session.recipes.release.revision).toBe(1);
    expect(await chooseRevision(session, made)).toEqual({ revision: chosen, rebuild: new Set() });
    expect(assumedRevision(session)).toBe(assumed);
    expect(lines).toEqual(
      revision === 'auto' ? ['keeping revision 5: all statically linked libraries are up to date'] : [],
    );
  });

  it("given as auto is the recipe's if there are no packages yet", async () => {
    expect(await chooseRevision(await open({ revision: 'auto' }), undefined)).toEqual({
      revision: 1,
      rebuild: new Set(),
    });
    expect(lines).toEqual([]);
  });
});
