import { describe, expect, it } from 'vitest';
import { createPlan, findTarget, type PlanFacts } from '../../../src/plan/index.ts';
import { releaseFacts as facts, target } from '../../support/plan-facts.ts';

describe('createPlan', () => {
  it('plans three stages for each target and architecture', () => {
    const plan = createPlan(facts);
    expect(plan.steps.map((step) => step.id)).toEqual(
      ['debian-12', 'debian-13'].flatMap((name) =>
        ['arm64', 'x86_64'].flatMap((arch) =>
          ['build', 'package', 'verify'].map((stage) => `${stage}:${name}:${arch}`),
        ),
      ),
    );
  });

  it('needs only steps that come before', () => {
    const seen = new Set<string>();
    for (const step of createPlan(facts).steps) {
      for (const need of step.needs) expect(seen).toContain(need);
      seen.add(step.id);
    }
  });

  it("lists each root once, the build machine's included", () => {
    const ids = createPlan({ ...facts, architectures: ['arm64'] }).bases.map((base) => base.id);
    expect(ids.sort()).toEqual(['bookworm-arm64', 'bookworm-x86_64', 'trixie-arm64', 'trixie-x86_64']);
  });

  it('compiles for arm64 on an x86_64 root', () => {
    const step = createPlan(facts).steps.find((each) => each.id === 'build:debian-12:arm64');
    expect(step).toMatchObject({
      base: 'bookworm-x86_64',
      targetBase: 'bookworm-arm64',
      buildArgs: { GNU_TRIPLE: 'aarch64-linux-gnu' },
    });
  });

  it('starts each architecture from the root of the processor that compiles for it', () => {
    const plan = createPlan({ ...facts, compilesOn: { arm64: 'arm64', x86_64: 'x86_64' } });
    const builds = plan.steps.filter((step) => step.id.startsWith('build:debian-12'));
    expect(builds.map((step) => [step.arch, step.base])).toEqual([
      ['arm64', 'bookworm-arm64'],
      ['x86_64', 'bookworm-x86_64'],
    ]);
  });

  it("installs a .deb in a foreign root by the build platform's tools, unless all is to be emulated", () => {
    const toolsOf = (more: Partial<PlanFacts>) =>
      createPlan({ ...facts, targets: ['debian-13'], ...more })
        .steps.filter((step) => step.stage === 'verify')
        .map(({ arch, buildArgs: { TOOLS, NATIVE_TRIPLE } }) => [arch, TOOLS, NATIVE_TRIPLE]);
    expect(toolsOf({})).toEqual([
      ['arm64', 'native', 'x86_64-linux-gnu'],
      ['x86_64', undefined, undefined],
    ]);
    expect(toolsOf({ compilesOn: { arm64: 'arm64', x86_64: 'arm64' } })).toEqual([
      ['arm64', undefined, undefined],
      ['x86_64', 'native', 'aarch64-linux-gnu'],
    ]);
    expect(toolsOf({ ownTools: true }).map(([, tools]) => tools)).toEqual([undefined, undefined]);
  });

  it("does so with an .rpm where its root is made of Debian's own binaries, and in no other", () => {
    const toolsOf = (name: string, more: Partial<PlanFacts> = {}) =>
      createPlan({ ...facts, knownTargets: [target(name)], targets: [name], ...more })
        .steps.filter(({ stage, arch }) => stage === 'verify' && arch === 'arm64')
        .map(({ buildArgs: { TOOLS } }) => TOOLS);
    expect(toolsOf('portable')).toEqual(['native']);
    const own = [undefined];
    expect(toolsOf('portable', { ownTools: true })).toEqual(own);
    expect(toolsOf('portable', { verifyOn: `almalinux@sha256:${'0'.repeat(64)}` })).toEqual(own);
    expect(toolsOf('el9')).toEqual(own);
  });

  it('plans a target whose libraries are linked in: an .rpm with its debug symbols, and an archive', () => {
    const portable = createPlan({ ...facts, knownTargets: [target('portable')], targets: ['portable'] });
    const step = (id: string) => portable.steps.find((each) => each.id === id);
    expect(step('package:portable:arm64')?.outputs).toEqual([
      'coturn-4.6.1+turnbuild-1.aarch64.rpm',
      'coturn-debuginfo-4.6.1+turnbuild-1.aarch64.rpm',
      'coturn-4.6.1-linux-arm64.tar.gz',
      'coturn-4.6.1+turnbuild-1.aarch64.rpm.cdx.json',
      'coturn-4.6.1-linux-arm64.tar.gz.cdx.json',
      'coturn-4.6.1+turnbuild-1.src.rpm',
    ]);
    expect(step('build:portable:arm64')?.buildArgs).toMatchObject({
      COMPILE_ON: 'static-libraries',
      SOURCE_LIBRARIES: 'bookworm/libmicrohttpd trixie/hiredis',
      CONFIGURATION_DIR: '/etc/coturn',
    });
    // Its packages are tried in a root that is made of rpms, on the build platform.
    expect(portable.bases.map(({ id }) => id)).toEqual(['bookworm-x86_64']);
    expect(step('verify:portable:arm64')?.targetBase).toBe('bookworm-x86_64');
  });

  it('tries an .rpm in an image of its own architecture, where one is given', () => {
    const verifyOn = `almalinux:9@sha256:${'a1'.repeat(32)}`;
    const image = { ...facts, knownTargets: [target('portable')], targets: ['portable'], verifyOn };
    const plan = createPlan(image);
    const step = plan.steps.find(({ id }) => id === 'verify:portable:arm64');
    expect(step).toMatchObject({ targetBase: 'image-arm64-a1a1a1a1a1a1', buildArgs: { RPM_ROOT: 'given' } });
    expect(plan.bases).toContainEqual({
      ...{ id: 'image-arm64-a1a1a1a1a1a1', suite: 'almalinux:9', arch: 'arm64', image: verifyOn },
    });
    // It says nothing of a .deb, which has a distribution.
    const both = createPlan({
      ...image,
      knownTargets: [...facts.knownTargets, target('portable')],
      targets: ['debian-12', 'portable'],
    });
    expect(both.steps.find(({ id }) => id === 'verify:debian-12:arm64')?.targetBase).toBe('bookworm-arm64');
    expect(() => createPlan({ ...facts, verifyOn })).toThrow(
      /--verify-on is for .rpm packages, and debian-12, debian-13 make none/,
    );
  });

  it('compiles in a sysroot, and tries the .rpm in a root of its own distribution', () => {
    const el9 = { ...facts, knownTargets: [target('el9')], targets: ['el9'] };
    const argsOf = (plan: ReturnType<typeof createPlan>, id: string) =>
      plan.steps.find((each) => each.id === id)?.buildArgs;
    const build = argsOf(createPlan(el9), 'build:el9:arm64');
    expect(build).toMatchObject({ COMPILE_ON: 'sysroot', LIBRARY_PACKAGES: '', GLIBC: '2.34' });
    expect(build?.SYSROOT_PACKAGES).toContain('openssl-devel');
    // The toolchain of packaging is that of compiling, from the build cache.
    expect(argsOf(createPlan(el9), 'package:el9:arm64')).toMatchObject({ LIBRARY_PACKAGES: '' });
    expect(argsOf(createPlan(el9), 'verify:el9:arm64')).toMatchObject({ RPM_ROOT: 'installed' });
    const verifyOn = `almalinux:9@sha256:${'a1'.repeat(32)}`;
    expect(argsOf(createPlan({ ...el9, verifyOn }), 'verify:el9:arm64')).toMatchObject({ RPM_ROOT: 'given' });
  });

  it('asks dnf for the signature of a repository whose recipe has one', () => {
    const el9 = target('el9');
    const argsOf = (signed: boolean) => {
      const repositories = el9.sysroot?.repositories.map((each, index) =>
        index === 1 ? { ...each, signed } : each,
      );
      const sysroot = { keys: ['/key'], repositories: repositories ?? [] };
      const plan = createPlan({ ...facts, knownTargets: [{ ...el9, sysroot }], targets: ['el9'] });
      return plan.steps.find((each) => each.id === 'build:el9:arm64')?.buildArgs;
    };
    expect(argsOf(true)).toMatchObject({ SYSROOT_KEYS: '/key', SYSROOT_SIGNED: '0 1 0 0' });
    expect(argsOf(false)).not.toHaveProperty('SYSROOT_SIGNED');
  });

  it.each([
    [['arm64', 'x86_64'], 'arm64'],
    [['x86_64'], 'x86_64'],
  ] as const)('makes one source package for %j: with the packages of %s', (architectures, maker) => {
    const portable = createPlan({
      ...facts,
      knownTargets: [target('portable')],
      targets: ['portable'],
      architectures,
    });
    const makers = portable.steps.filter(({ outputs }) => outputs.some((name) => name.endsWith('.src.rpm')));
    expect(makers.map(({ id }) => id)).toEqual([`package:portable:${maker}`]);
    expect(makers[0]?.buildArgs.SOURCE_RPM).toBe('coturn-4.6.1+turnbuild-1.src.rpm');
  });

  it('compiles nothing with libraries that a recipe does not name', () => {
    for (const { buildArgs } of createPlan(facts).steps) expect(buildArgs).not.toHaveProperty('COMPILE_ON');
  });

  it('is a document: the same facts give the same plan, and it survives JSON', () => {
    const plan = createPlan(facts);
    expect(createPlan(structuredClone(facts))).toEqual(plan);
    expect(JSON.parse(JSON.stringify(plan))).toEqual(plan);
  });

  it('needs no root of the other architecture to compile and package', () => {
    const ids = createPlan({
      ...facts,
      architectures: ['arm64'],
      targets: ['debian-12'],
      verify: false,
    }).bases.map((base) => base.id);
    expect(ids).toEqual(['bookworm-x86_64']);
  });

  it('leaves verify out when asked', () => {
    expect(createPlan({ ...facts, verify: false }).steps.some((step) => step.stage === 'verify')).toBe(false);
  });

  it('refuses to plan nothing', () => {
    expect(() => createPlan({ ...facts, architectures: [] })).toThrow(
      expect.objectContaining({ code: 'PLAN_EMPTY', exitCode: 2 }),
    );
  });
});

describe('what versions need', () => {
  const needs = (version: string) => createPlan({ ...facts, coturn: { ...facts.coturn, version } }).needs;

  it.each([
    ['4.5.2', true, ['openssl-3.h'], []],
    ['4.6.1', true, ['openssl-3.h'], ['stop-on-signal']],
    ['4.6.3', true, ['openssl-3.h'], []],
    ['4.7.0', true, [], []],
    ['4.13.1', true, [], []],
    ['4.14.0', false, [], []],
    ['4.18.0', false, [], []],
    ['5.0.0', false, [], []],
  ])('%s: Prometheus client %s, headers %j, series %j', (version, client, includes, series) => {
    expect(needs(version)).toMatchObject({ prometheusClient: client, includes, series });
  });
});

describe('findTarget', () => {
  it('names the nearest target', () => {
    expect(() => findTarget('debian-21', facts.knownTargets)).toThrow(/did you mean debian-1[23]/);
  });
});
