import { describe, expect, it } from 'vitest';
import { createPlan, type PlanFacts } from '../../../src/plan/index.ts';
import { releaseFacts as facts, target } from '../../support/plan-facts.ts';

describe('createPlan for .rpm packages', () => {
  it("installs an .rpm with the build platform's tools only in a foreign root of Debian binaries", () => {
    const toolsOf = (name: string, more: Partial<PlanFacts> = {}) =>
      createPlan({ ...facts, knownTargets: [target(name)], targets: [name], ...more })
        .steps.filter(({ stage, arch }) => stage === 'verify' && arch === 'arm64')
        .map(({ buildArgs: { TOOLS } }) => TOOLS);
    expect(toolsOf('portable')).toEqual(['native']);
    const own = [undefined];
    expect(toolsOf('portable', { ownTools: true })).toEqual(own);
    expect(toolsOf('portable', { verifyOn: `almalinux@sha256:${'0'.repeat(64)}` })).toEqual(own);
    expect(toolsOf('el9')).toEqual(own);
    // An image for .rpms does not affect a .deb's root.
    const deb = {
      knownTargets: [target('debian-13'), target('portable')],
      targets: ['debian-13', 'portable'],
    };
    expect(toolsOf('portable', { ...deb, verifyOn: `almalinux@sha256:${'0'.repeat(64)}` })).toEqual([
      'native',
      undefined,
    ]);
  });

  it('plans an .rpm, debug symbols and a tarball for a target with static libraries', () => {
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
    // Its packages are tested in a root of rpms, assembled on the build platform.
    expect(portable.bases.map(({ id }) => id)).toEqual(['bookworm-x86_64']);
    expect(step('verify:portable:arm64')?.targetBase).toBe('bookworm-x86_64');
  });

  it('verifies an .rpm in the --verify-on image of its own architecture', () => {
    const verifyOn = `almalinux:9@sha256:${'a1'.repeat(32)}`;
    const image = { ...facts, knownTargets: [target('portable')], targets: ['portable'], verifyOn };
    const plan = createPlan(image);
    const step = plan.steps.find(({ id }) => id === 'verify:portable:arm64');
    expect(step).toMatchObject({ targetBase: 'image-arm64-a1a1a1a1a1a1', buildArgs: { RPM_ROOT: 'given' } });
    expect(plan.bases).toContainEqual({
      ...{ id: 'image-arm64-a1a1a1a1a1a1', suite: 'almalinux:9', arch: 'arm64', image: verifyOn, asIs: true },
    });
    // It does not affect a .deb, which is verified in its own distribution.
    const both = createPlan({
      ...image,
      knownTargets: [...facts.knownTargets, target('portable')],
      targets: ['debian-12', 'portable'],
    });
    expect(both.steps.find(({ id }) => id === 'verify:debian-12:arm64')?.targetBase).toBe('bookworm-arm64');
    expect(() => createPlan({ ...facts, verifyOn })).toThrow(
      /--verify-on applies only to .rpm packages, but debian-12, debian-13 have none/,
    );
    expect(() => createPlan({ ...facts, targets: ['debian-12'], verifyOn })).toThrow(/debian-12 has none/);
  });

  it('compiles el9 in a sysroot, and verifies the .rpm in a root of its distribution', () => {
    const el9 = { ...facts, knownTargets: [target('el9')], targets: ['el9'] };
    const argsOf = (plan: ReturnType<typeof createPlan>, id: string) =>
      plan.steps.find((each) => each.id === id)?.buildArgs;
    const build = argsOf(createPlan(el9), 'build:el9:arm64');
    expect(build).toMatchObject({ COMPILE_ON: 'sysroot', LIBRARY_PACKAGES: '', GLIBC: '2.34' });
    expect(build?.SYSROOT_PACKAGES).toContain('openssl-devel');
    // Packaging reuses the toolchain of the build from the cache.
    expect(argsOf(createPlan(el9), 'package:el9:arm64')).toMatchObject({ LIBRARY_PACKAGES: '' });
    expect(argsOf(createPlan(el9), 'verify:el9:arm64')).toMatchObject({ RPM_ROOT: 'installed' });
    const verifyOn = `almalinux:9@sha256:${'a1'.repeat(32)}`;
    expect(argsOf(createPlan({ ...el9, verifyOn }), 'verify:el9:arm64')).toMatchObject({ RPM_ROOT: 'given' });
  });

  it('makes dnf check the signatures of repositories that a recipe marks as signed', () => {
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
  ] as const)('makes one source package for %j, in the package step of %s', (architectures, maker) => {
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
});
