import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { type StepBuild, stepCommand } from '../../../src/plan/buildx.ts';
import { createPlan } from '../../../src/plan/index.ts';
import type { PlannedStep } from '../../../src/plan/types.ts';
import { STAGE_TABLE } from '../../../src/run/stage-table.ts';
import { releaseFacts } from '../../support/plan-facts.ts';

const step: PlannedStep = {
  id: 'build:debian-13:arm64',
  stage: 'build',
  target: 'debian-13',
  arch: 'arm64',
  needs: [],
  packages: [],
  packageVersion: '',
  outputs: [],
  base: 'trixie-x86_64',
  targetBase: 'trixie-arm64',
  dockerStages: ['build'],
  buildArgs: { DEB_ARCH: 'arm64' },
};
const build: StepBuild = {
  dockerStage: 'build',
  folder: '/recipes/docker',
  base: 'oci-layout:///bases/x@sha256:1',
  inputs: '/in',
  output: '/out',
};
/** The buildx calls of every stage for a native package and a foreign one, with --no-cache. */
function stageBuilds(): { dockerStage: string; words: readonly string[] }[] {
  const plan = createPlan({ ...releaseFacts, targets: ['debian-13'] });
  const context = {
    ...{
      plan,
      recipes: '/recipes',
      labProgram: '/lab.mjs',
      bootProgram: '/lab.mjs',
      dir: '/dist',
      attempt: 'RANDOM',
    },
    ...{ builder: undefined, engine: undefined, sharedNetwork: false, noCache: true },
    buildCache: { from: 'type=gha', to: 'type=gha,mode=max' },
    selection: { only: [], skip: [], reason: undefined, accept: [] },
    io: { proxiesForBuilds: () => [], leftovers: { owner: () => 'OWNER' } },
  };
  const found = { archive: 'STATE', repositories: {} };
  return plan.steps.flatMap((each) => {
    // On native builds both base images are the same. The test gives them different names.
    const told = { ...each, base: 'base', targetBase: 'target' };
    const bases = new Map(['base', 'target'].map((id) => [id, { context: id.toUpperCase() }]));
    const commands = STAGE_TABLE[each.stage].commands(told, { ...context, bases }, found);
    return commands.flatMap(({ args: words }) => {
      const dockerStage = words.find((word) => word.startsWith('--target='))?.replace('--target=', '');
      return dockerStage === undefined ? [] : [{ dockerStage, words }];
    });
  });
}
const args = (more: Partial<StepBuild>) => stepCommand(step, { ...build, ...more }).args;

describe('stepCommand', () => {
  it("passes --builder only if one is given, and adds the stage's build arguments to the step's", () => {
    expect(args({})).not.toContain('--builder');
    expect(args({ builder: 'far', args: { ATTEMPT: '1' } })).toEqual(
      expect.arrayContaining([
        '--builder',
        'far',
        '--build-arg=DEB_ARCH=arm64',
        '--build-arg=ATTEMPT=1',
        '--platform=linux/arm64',
      ]),
    );
  });

  it('passes proxies by name, because their values may contain passwords', () => {
    expect(args({}).join(' ')).not.toContain('proxy');
    expect(args({ inherited: ['https_proxy', 'no_proxy'] })).toEqual(
      expect.arrayContaining(['--build-arg=https_proxy', '--build-arg=no_proxy']),
    );
  });

  it('passes the target base image only to the stages that run on the target platform', () => {
    expect(args({}).join(' ')).not.toContain('--build-context=target=');
    expect(args({ target: 'oci-layout:///bases/a@sha256:2' })).toContain(
      '--build-context=target=oci-layout:///bases/a@sha256:2',
    );
    const given = stageBuilds().filter(({ words }) => words.includes('--build-context=target=TARGET'));
    expect(new Set(given.map(({ dockerStage }) => dockerStage))).toEqual(new Set(['verify', 'lab']));
  });

  it('exports files, or an engine image for a given platform', () => {
    expect(args({})).toContain('--output=type=local,dest=/out');
    const image = args({ image: { name: 'lab', platform: 'linux/amd64', labels: { a: 'b' } } });
    expect(image).toEqual(expect.arrayContaining(['--platform=linux/amd64', '--label=a=b']));
    expect(image.filter((arg) => arg.startsWith('--output='))).toEqual([
      expect.stringMatching(/^--output=type=docker,name=lab,/),
    ]);
  });

  it('uses a cache outside the builder only for compilations', () => {
    const cached = stageBuilds().filter(({ words }) => words.some((word) => word.startsWith('--cache-')));
    expect(new Set(cached.map(({ dockerStage }) => dockerStage))).toEqual(new Set(['build']));
    expect(cached[0]?.words).toEqual(
      expect.arrayContaining(['--cache-from=type=gha', '--cache-to=type=gha,mode=max']),
    );
    expect(args({ cache: { from: undefined, to: undefined } }).join(' ')).not.toContain('--cache-');
  });

  it('uses the build cache unless noCache is set', () => {
    expect(args({}).join(' ')).not.toContain('no-cache');
    expect(args({ noCache: true, dockerStage: 'package' })).toContain('--no-cache-filter=package-run');
  });

  it('repeats every Dockerfile stage that runs commands if noCache is set', () => {
    const text = readFileSync(new URL('../../../recipes/docker/Dockerfile', import.meta.url), 'utf8');
    const running = text
      .split(/^(?=FROM )/m)
      .filter((stage) => /^RUN /m.test(stage))
      .map((stage) => /^FROM .* AS (\S+)/.exec(stage)?.[1]);
    const filters = new Map(
      stageBuilds().map(({ dockerStage, words }) => [
        dockerStage,
        words.find((word) => word.startsWith('--no-cache-filter=')),
      ]),
    );
    expect([...filters.keys()].sort()).toEqual([
      ...['build', 'inspect', 'lab', 'package', 'sanitize', 'verify'],
    ]);
    const fresh = [...filters.values()].flatMap((filter) => filter?.replace(/^.*=/, '').split(',') ?? []);
    expect(fresh.sort()).toEqual(running.sort());
  });

  it('sets QEMU_CPU in every stage that runs programs of the target', () => {
    const text = readFileSync(new URL('../../../recipes/docker/Dockerfile', import.meta.url), 'utf8');
    const stages = new Map(
      text.split(/^(?=FROM )/m).map((stage) => {
        const [, from = '', name = ''] = /^FROM (?:--platform=\S+ )?(\S+) AS (\S+)/.exec(stage) ?? [];
        return [name, { stage, from, builds: stage.startsWith('FROM --platform=$BUILDPLATFORM') }] as const;
      }),
    );
    const runsTarget = (name: string): boolean => {
      if (name === 'target') return true;
      const { from, builds } = stages.get(name) ?? { from: '', builds: true };
      if (from.includes('$'))
        return [...stages.keys()].some((each) => matches(from, each) && runsTarget(each));
      return !builds && runsTarget(from);
    };
    const matches = (pattern: string, name: string) =>
      new RegExp(`^${pattern.replace(/\$[A-Z_]+/g, '\\w+')}$`).test(name);
    const expected = [...stages].filter(([name, { stage }]) => /^RUN /m.test(stage) && runsTarget(name));
    const inEachRoot = (part: string) =>
      ['native-deb', 'native-rpm', 'own'].map((kind) => `verify-${part}-${kind}`);
    expect(expected.map(([name]) => name).sort()).toEqual([
      'lab-target-deb-native',
      'lab-target-deb-own',
      'lab-target-rpm-given',
      ...['prepared', 'replaceable'].flatMap(inEachRoot),
      'verify-root-rpm-given',
      ...['run', 'used'].flatMap(inEachRoot),
    ]);
    // rpm roots are assembled on the build platform, but scriptlets of packages run in them.
    const scriptlets = ['installed-root', 'lab-rpm-installed', 'lab-rpm-made'];
    for (const name of [...expected.map(([each]) => each), ...scriptlets])
      expect(stages.get(name)?.stage, name).toMatch(/^ARG QEMU_CPU$/m);
  });
});
