import { describe, expect, it } from 'vitest';
import { createPlan, findTarget, type PlanFacts, targetOfStep } from '../../../src/plan/index.ts';
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

  it('orders each step after the steps it needs', () => {
    const seen = new Set<string>();
    for (const step of createPlan(facts).steps) {
      for (const need of step.needs) expect(seen).toContain(need);
      seen.add(step.id);
    }
  });

  it('lists each base image once, including those of the build platform', () => {
    const ids = createPlan({ ...facts, architectures: ['arm64'] }).bases.map((base) => base.id);
    expect(ids.sort()).toEqual(['bookworm-arm64', 'bookworm-x86_64', 'trixie-arm64', 'trixie-x86_64']);
  });

  it('cross-compiles for arm64 in an x86_64 base image', () => {
    const step = createPlan(facts).steps.find((each) => each.id === 'build:debian-12:arm64');
    expect(step).toMatchObject({
      base: 'bookworm-x86_64',
      targetBase: 'bookworm-arm64',
      buildArgs: { GNU_TRIPLE: 'aarch64-linux-gnu' },
    });
  });

  it('builds each architecture in the base image of the platform that compiles it', () => {
    const plan = createPlan({ ...facts, compilesOn: { arm64: 'arm64', x86_64: 'x86_64' } });
    const builds = plan.steps.filter((step) => step.id.startsWith('build:debian-12'));
    expect(builds.map((step) => [step.arch, step.base])).toEqual([
      ['arm64', 'bookworm-arm64'],
      ['x86_64', 'bookworm-x86_64'],
    ]);
  });

  it("installs a foreign .deb with the build platform's tools, unless ownTools is set", () => {
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

  it('does not set COMPILE_ON for Debian targets', () => {
    for (const { buildArgs } of createPlan(facts).steps) expect(buildArgs).not.toHaveProperty('COMPILE_ON');
  });

  it('is deterministic and survives a JSON round trip', () => {
    const plan = createPlan(facts);
    expect(createPlan(structuredClone(facts))).toEqual(plan);
    expect(JSON.parse(JSON.stringify(plan))).toStrictEqual(plan);
  });

  it('includes the source if it is known', () => {
    const digest = '0'.repeat(64);
    const source = { provider: 'github', location: 'https://a', sha256: digest, tree: digest } as const;
    expect(createPlan({ ...facts, source }).source).toEqual(source);
  });

  it('uses the official image if its digest is known', () => {
    const digest = `sha256:${'c3'.repeat(32)}`;
    const { bases, steps } = createPlan({
      ...facts,
      knownTargets: ['debian-12', 'debian-13'].map((name) => ({
        ...target(name),
        image: name === 'debian-12' ? 'debian:bookworm-slim' : 'debian:trixie-slim',
      })),
      images: { 'debian:bookworm-slim': digest },
    });
    const image = `debian:bookworm-slim@${digest}`;
    expect(bases.filter(({ suite }) => suite === 'bookworm').sort((a, b) => (a.id < b.id ? -1 : 1))).toEqual([
      { id: 'bookworm-arm64-c3c3c3c3c3c3', suite: 'bookworm', arch: 'arm64', image },
      { id: 'bookworm-x86_64-c3c3c3c3c3c3', suite: 'bookworm', arch: 'x86_64', image },
    ]);
    expect(bases.filter(({ suite }) => suite === 'trixie').map((base) => base.image)).toEqual([
      undefined,
      undefined,
    ]);
    expect(steps.find(({ id }) => id === 'verify:debian-12:arm64')?.targetBase).toBe(
      'bookworm-arm64-c3c3c3c3c3c3',
    );
  });

  it('uses the base image of a recipe, and distinguishes two images of one suite', () => {
    const baseImage = (digit: string) => `registry.example:5000/debian@sha256:${digit.repeat(64)}`;
    const knownTargets = ['a', 'b'].map((digit) => ({
      ...target('debian-13'),
      name: digit,
      baseImage: baseImage(digit),
    }));
    const { bases, steps } = createPlan({ ...facts, knownTargets, targets: ['a', 'b'] });
    expect(bases).toHaveLength(4);
    expect(bases).toContainEqual({
      id: 'trixie-arm64-bbbbbbbbbbbb',
      suite: 'trixie',
      arch: 'arm64',
      image: baseImage('b'),
    });
    const build = steps.find(({ id }) => id === 'build:b:arm64');
    expect(build).toMatchObject({
      base: 'trixie-x86_64-bbbbbbbbbbbb',
      targetBase: 'trixie-arm64-bbbbbbbbbbbb',
    });
  });

  it('needs no base image of the target architecture to compile and package', () => {
    const ids = createPlan({
      ...facts,
      architectures: ['arm64'],
      targets: ['debian-12'],
      verify: false,
    }).bases.map((base) => base.id);
    expect(ids).toEqual(['bookworm-x86_64']);
  });

  it('omits only the verify steps if verify is false', () => {
    const stages = createPlan({ ...facts, verify: false, targets: ['debian-12'] }).steps.map(
      ({ stage }) => stage,
    );
    expect(stages).toEqual(['build', 'package', 'build', 'package']);
  });

  it('refuses a plan without steps', () => {
    expect(() => createPlan({ ...facts, architectures: [] })).toThrow(
      expect.objectContaining({ code: 'PLAN_EMPTY', exitCode: 2 }),
    );
  });
});

describe('findTarget', () => {
  it('suggests the nearest target, if one is similar', () => {
    expect(() => findTarget('debian-21', facts.knownTargets)).toThrow(/did you mean debian-1[23]/);
    expect(() => findTarget('windows', facts.knownTargets)).toThrow(/^Unknown target "windows"$/);
  });
});

describe('targetOfStep', () => {
  it('returns the target of a step, and fails if the plan lacks it', () => {
    const plan = createPlan(facts);
    const step = plan.steps.find(({ id }) => id === 'verify:debian-13:x86_64');
    if (step === undefined) throw new Error('the plan has no such step');
    expect(targetOfStep(plan, step)).toEqual(target('debian-13'));
    const error = expect.objectContaining({ code: 'PLAN_INVALID' });
    expect(() => targetOfStep(plan, { ...step, target: 'debian-11' })).toThrow(error);
  });
});
