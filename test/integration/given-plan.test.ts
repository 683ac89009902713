import { createHash } from 'node:crypto';
import { cpSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { sha256Text } from '../../src/io/files.ts';
import { formatManifest } from '../../src/manifest/store.ts';
import { formatPlan, type PlanDocument, parsePlan, planDigest } from '../../src/plan/document.ts';
import { coturnTar } from '../support/coturn-tree.ts';
import { BUILDER, fakeDocker } from '../support/fake-docker.ts';
import { temporaryFolder } from '../support/sandbox.ts';
import { file } from '../support/tar-builder.ts';
import { MUTATES, turnbuild } from '../support/turnbuild.ts';

const ADVISORY = {
  ...{ severity: 'low' as const, summary: 'x', fixed: '4.19.0' },
  reference: 'https://example.org/',
};
const TARGETS = 'debian-13,portable';
const tarball = gzipSync(coturnTar('4.18.0'));
const sha256 = createHash('sha256').update(tarball).digest('hex');
const root = new URL('../../', import.meta.url).pathname;
/** The plan, as `turnbuild plan --json` prints it on a machine that compiles on x86_64. */
let text: string | undefined;
let dir: string;

beforeEach(async () => {
  dir = temporaryFolder();
  writeFileSync(join(dir, 'coturn.tar.gz'), tarball);
  vi.stubEnv('TURNBUILD_CACHE', join(dir, 'cache'));
  // The plan contains the tarball's path, which is absolute under StrykerJS.
  if (text === undefined || MUTATES) text = await plan();
  writeFileSync(join(dir, 'plan.json'), text);
});

async function plan(): Promise<string> {
  const source = ['--source', './coturn.tar.gz', '--sha256', sha256];
  const checks = ['--skip', 'relay', '--reason', 'no network'];
  const run = await turnbuild(['plan', ...source, '--target', TARGETS, ...checks, '--json'], program());
  expect(run.stderr).toBe('');
  return run.stdout;
}

const program = (options: Omit<Parameters<typeof turnbuild>[1] & object, 'cwd' | 'env'> = {}) => ({
  ...options,
  cwd: dir,
  env: fakeDocker(dir, BUILDER),
});
/** A dry run of the plan: the steps that would run. */
const release = (...args: string[]) =>
  turnbuild(['release', '--plan', 'plan.json', '--dry-run', ...args], program());
const stepsOf = (stdout: string) => [
  ...new Set(
    [...stdout.matchAll(/--target=(\w+) .*--build-arg=DEB_ARCH=(\w+)/g)].map(
      ([, stage, arch]) => `${stage} ${arch}`,
    ),
  ),
];
/** Replaces the plan by a changed one, sealed like turnbuild's. @returns no further options */
function change(edit: (document: PlanDocument) => PlanDocument): string[] {
  const document = parsePlan('plan.json', String(text), sha256Text);
  writeFileSync(join(dir, 'plan.json'), formatPlan(edit(document), sha256Text));
  return [];
}

describe('release --plan', () => {
  it.each<[string, (document: PlanDocument) => PlanDocument]>([
    [
      'maintainer',
      (document) => ({ ...document, maintainer: 'a\n%global x %(touch /tmp/x) <a@example.org>' }),
    ],
    [
      'choices.verifyOn',
      (document) => ({ ...document, choices: { ...document.choices, verifyOn: 'almalinux:9' } }),
    ],
    ...[
      { only: ['relay.nothing'], skip: [], accept: [] },
      { only: [], skip: ['relay'], accept: [] },
      { only: ['elf'], skip: ['elf'], reason: 'none is left', accept: [] },
      { only: [], skip: [], accept: ['CVE-0000-0000'] },
    ].map((selection): [string, (document: PlanDocument) => PlanDocument] => [
      'choices.selection',
      (document) => ({
        ...document,
        choices: { ...document.choices, selection: { reason: undefined, ...selection } },
      }),
    ]),
  ])('refuses a %s that no option would accept', async (path, edit) => {
    const run = await release(...change(edit));
    expect(run.stderr).toMatch(/\[PLAN_INVALID\]/);
    expect(run.stderr).toContain(path);
    expect(run.code).toBe(1);
  });

  it('performs exactly the steps of the plan', async () => {
    const run = await release();
    expect(run.stderr).toBe('');
    expect(run.code).toBe(0);
    expect(run.stdout).toContain('coturn 4.18.0 from');
    expect(stepsOf(run.stdout)).toEqual(
      ['arm64', 'amd64'].flatMap((arch) =>
        ['build', 'package', 'inspect', 'verify', 'lab'].flatMap((stage) =>
          arch === 'amd64' && stage === 'lab' ? ['sanitize amd64', 'lab amd64'] : [`${stage} ${arch}`],
        ),
      ),
    );
  });

  it('performs a part of the plan with only the base images that it uses', async () => {
    const run = await turnbuild(
      ['package', '--plan', 'plan.json', '--dry-run', '--target', 'debian-13', '--arch', 'arm64'],
      program(),
    );
    expect(run.code, run.stderr).toBe(0);
    expect(stepsOf(run.stdout)).toEqual(['package arm64']);
    expect(run.stdout).not.toContain('--architectures=arm64');
  });

  it('accepts a builder that cannot run the packages, unless they are verified', async () => {
    const small =
      'printf "Name: small\\nDriver: docker-container\\nNodes:\\nName: n\\nPlatforms: linux/amd64\\n"';
    const perform = (stage: string) =>
      turnbuild([stage, '--plan', 'plan.json', '--target', 'debian-13'], {
        cwd: dir,
        // Without mmdebstrap, no base image can be bootstrapped.
        env: {
          ...fakeDocker(dir, `case "$*" in "buildx inspect"*) ${small} ;; *) exit 1 ;; esac`),
          PATH: join(dir, 'bin'),
        },
      });
    expect((await perform('release')).stderr).toMatch(/Builder small cannot run linux\/arm64/);
    // Packaging fails only at its base image, which has this machine's architecture.
    const packaged = await perform('package');
    expect(packaged.code).toBe(1);
    expect(packaged.stderr).toMatch(/failed for base image trixie-x86_64:[\s\S]*MMDEBSTRAP_MISSING/);
    expect(packaged.stderr).not.toMatch(/BUILDER_PLATFORM_MISSING|trixie-arm64/);
  });

  it('ignores a changed recipe that no step uses', async () => {
    const own = recipes('patches/prometheus-client/prom.c', (old) => `${old}\n`);
    expect((await release(...own)).code).toBe(0);
  });

  it('accepts the sources from another path and in another compression format', async () => {
    rmSync(join(dir, 'coturn.tar.gz'));
    expect((await release()).stderr).toMatch(
      /File not found: .*coturn\.tar\.gz[\s\S]*Pass the sources that the plan was created with: --source FILE/,
    );
    writeFileSync(join(dir, 'other.tar'), coturnTar('4.18.0'));
    expect((await release('--source', 'other.tar')).code).toBe(0);
  });
});

describe('a plan created with --native', () => {
  it('needs no builder, and is performed only where the builder compiles natively', async () => {
    const none = { cwd: dir, env: { PATH: dir } };
    const args = ['--source', './coturn.tar.gz', '--sha256', sha256, '--target', 'debian-13'];
    const run = await turnbuild(['plan', '--native', ...args, '--json'], none);
    expect(run.code, run.stderr).toBe(0);
    writeFileSync(join(dir, 'plan.json'), run.stdout);
    const own = await release('--arch', 'x86_64');
    expect(own.code, own.stderr).toBe(0);
    expect(new Set(stepsOf(own.stdout).map((step) => step.split(' ')[1]))).toEqual(new Set(['amd64']));
    const foreign = await release('--arch', 'arm64');
    expect(foreign.stderr).toMatch(
      /compiles for arm64 on arm64, but the builder \(test\) would compile on x86_64[\s\S]*\[PLAN_DIFFERS\]/,
    );
  });
});

it('verify refuses a plan that has no verification steps', async () => {
  const source = ['--source', './coturn.tar.gz', '--sha256', sha256, '--target', 'debian-13'];
  const planned = await turnbuild(['plan', '--no-verify', ...source, '--json'], program());
  writeFileSync(join(dir, 'plan.json'), planned.stdout);
  const run = await turnbuild(['verify', '--plan', 'plan.json', '--dry-run'], program());
  expect(run.stderr).toMatch(/no verify step for debian-13 on arm64, x86_64[\s\S]*\[PLAN_PART_UNKNOWN\]/);
});

describe('release --plan refuses', () => {
  it.each<[string, () => string[], string, RegExp]>([
    ['a version', () => ['4.18.0'], 'OPTION_CONFLICT', /the version: already decided by the plan/],
    [
      'options that the plan has already decided',
      () => ['--revision', '2', '--only', 'relay', '--full'],
      'OPTION_CONFLICT',
      /--revision, --full, --only: already decided/,
    ],
    [
      'a target that is not planned',
      () => ['--target', 'debian-12'],
      'PLAN_PART_UNKNOWN',
      /The plan contains debian-13, portable\./,
    ],
    [
      'an edited plan',
      () => {
        writeFileSync(join(dir, 'plan.json'), String(text).replace('"revision": 1', '"revision": 2'));
        return [];
      },
      'PLAN_CHANGED',
      /its digest does not match its content/,
    ],
    [
      'a manifest',
      () => {
        writeFileSync(join(dir, 'plan.json'), '{"schema": 2}');
        return [];
      },
      'PLAN_INVALID',
      /is not a valid plan of turnbuild/,
    ],
    [
      'a plan of another turnbuild version',
      () => change((document) => ({ ...document, turnbuild: '9.9.9' })),
      'PLAN_DIFFERS',
      /The plan differs from what this turnbuild would do: turnbuild[\s\S]*turnbuild 9\.9\.9 created the plan, but this is 0\.1\.0/,
    ],
    [
      'different sources',
      () => {
        writeFileSync(join(dir, 'coturn.tar.gz'), gzipSync(coturnTar('4.18.0', [file('coturn/more', 'x')])));
        return [];
      },
      'PLAN_DIFFERS',
      /These are not the sources of the plan\.[\s\S]*--source FILE/,
    ],
    [
      'a changed recipe of a target, naming the setting',
      () =>
        recipes('recipes/targets/debian-13.yaml', (old) => old.replace('libpq-dev', 'libpq-dev, zlib1g-dev')),
      'PLAN_DIFFERS',
      /The plan differs from what this turnbuild would do: targets\.debian-13\.libraries/,
    ],
    [
      'a changed script, naming the steps that run it',
      () => recipes('recipes/docker/deb/package.sh', (old) => `${old}\n# another\n`),
      'PLAN_DIFFERS',
      /The plan differs from what this turnbuild would do: steps\.package:debian-13:arm64\.inputs\.recipe/,
    ],
    [
      'a changed packaging file, naming the packages that contain it',
      () => recipes('recipes/packaging/rpm/coturn.spec', (old) => `${old}\n# another\n`),
      'PLAN_DIFFERS',
      /The plan differs from what this turnbuild would do: steps\.package:portable:arm64\.inputs\.packaging, steps\.package:portable:x86_64\.inputs\.packaging\n/,
    ],
    [
      'a changed folder that the Dockerfile copies, naming the steps that use it',
      () => {
        const options = recipes('recipes/docker/static/random.c', (old) => `${old}\n// another\n`);
        writeFileSync(join(dir, 'own/recipes/docker/static/new.c'), '');
        return options;
      },
      'PLAN_DIFFERS',
      /The plan differs from what this turnbuild would do: steps\.build:portable:arm64\.inputs\.recipe, (?!.*debian-13)/,
    ],
  ])('%s', async (_, prepare, code, message) => {
    const run = await release(...prepare());
    expect(run.stderr).toContain(`[${code}]`);
    expect(run.stderr).toMatch(message);
    expect(run.stdout).toBe('');
    expect(existsSync(join(dir, 'dist'))).toBe(false);
  });
});

describe('image --plan', () => {
  const image = (...args: string[]) =>
    turnbuild(['image', '--plan', 'plan.json', '--dry-run', ...args], program());

  it('builds images from the packages of the plan, for the chosen clouds and with the chosen size', async () => {
    const run = await image('--cloud', 'gce', '--size', '2', '--arch', 'arm64');
    expect(run.code, run.stderr).toBe(0);
    expect(stepsOf(run.stdout)).toEqual(['image arm64', 'boot arm64']);
    expect(run.stdout).toContain('--build-arg=DISK_MIB=2048');
    expect(run.stdout).toContain('--build-arg=DISK_FORMAT=tar.gz');
    const all = await image('--no-boot');
    expect(stepsOf(all.stdout)).toEqual(['image arm64', 'image amd64']);
    expect(all.stdout.match(/--build-arg=DISK_FORMAT=/g)).toHaveLength(4);
  });

  it('refuses what the plan decides', async () => {
    const run = await image('--revision', '2');
    expect(run.stderr).toMatch(/--revision: already decided by the plan[\s\S]*\[OPTION_CONFLICT\]/);
    expect(run.code).toBe(2);
  });

  it.each([
    [['--cloud', 'azure'], 'CLOUD_UNKNOWN'],
    [['--size', '0'], 'OPTION_INVALID'],
    [['--arch', 'riscv64'], 'ARCH_UNKNOWN'],
  ])('refuses %j', async (args, code) => {
    const run = await image(...args);
    expect(run.stderr).toContain(`[${code}]`);
    expect(run.code).toBe(2);
  });

  it('boots images even if the plan verifies no packages', async () => {
    const source = [
      '--source',
      './coturn.tar.gz',
      '--sha256',
      sha256,
      '--target',
      'debian-13',
      '--no-verify',
    ];
    writeFileSync(join(dir, 'plan.json'), (await turnbuild(['plan', ...source, '--json'], program())).stdout);
    const run = await image('--cloud', 'aws', '--arch', 'arm64');
    expect(run.code, run.stderr).toBe(0);
    expect(stepsOf(run.stdout)).toEqual(['image arm64', 'boot arm64']);
  });

  it('refuses a plan without the packages that images contain', async () => {
    const source = ['--source', './coturn.tar.gz', '--sha256', sha256, '--target', 'portable'];
    const planned = await turnbuild(['plan', ...source, '--json'], program());
    writeFileSync(join(dir, 'plan.json'), planned.stdout);
    const run = await image();
    expect(run.stderr).toMatch(
      /The plan has no target "debian-13"[\s\S]*portable[\s\S]*\[PLAN_PART_UNKNOWN\]/,
    );
    expect(run.code).toBe(2);
  });
});

describe('release --plan with a local lock file', () => {
  const planned = () => parsePlan('plan.json', String(text), sha256Text).source;
  /** A lock file with the plan's version. @returns options that use it */
  const locked = (entry: object) => {
    const pinned = { sha256s: { file: sha256 }, tree: planned().tree, epoch: 1, ...entry };
    writeFileSync(join(dir, 'lock.json'), JSON.stringify({ schema: 1, sources: { '4.18.0': pinned } }));
    return ['--lock', 'lock.json'];
  };
  const other = '7'.repeat(64);

  it.each<[string, object, RegExp]>([
    ['tree', { tree: other }, /differ from the pinned ones: tree \w+, pinned 7{64}/],
    ['tarball', { sha256s: { file: other } }, /has the sha256 \w+, but the lock file pins 7{64}/],
    ['commit', { commit: '7'.repeat(40) }, /its commit is c{40}, and was 7{40}/],
    ['Git tree', { gitTree: '7'.repeat(40) }, /its tree id is e{40}, and was 7{40}/],
  ])('refuses a different %s', async (_, entry, message) => {
    const git = { commit: 'c'.repeat(40), gitTree: 'e'.repeat(40) };
    change((document) => ({ ...document, source: { ...document.source, ...git } }));
    rmSync(join(dir, 'coturn.tar.gz'));
    const run = await release(...locked(entry));
    expect(run.stderr).toMatch(
      /The plan has other sources than this machine's lock file .*lock\.json[\s\S]*\[PLAN_DIFFERS\]/,
    );
    expect(run.stderr).toMatch(message);
    expect(run.stderr).toContain('--lock FILE');
    expect(run.stdout).toBe('');
    expect(run.code).toBe(1);
  });

  it('uses the lock file of the recipes by default', async () => {
    locked({ tree: other });
    const lock = readFileSync(join(dir, 'lock.json'), 'utf8');
    const run = await release(...recipes('recipes/sources.lock.json', () => lock));
    expect(run.stderr).toMatch(/own\/recipes\/sources\.lock\.json[\s\S]*\[PLAN_DIFFERS\]/);
  });

  it('performs a plan that agrees, or whose version is not in the lock file', async () => {
    const run = await release(...locked({}));
    expect(run.code, run.stderr).toBe(0);
    expect((await release('--lock', 'none.json')).code).toBe(0);
  });
});

describe("collect compares the parts' plan with the plan of this machine", () => {
  /** A part without results, and collecting it without Docker. */
  async function collect(edit: (document: PlanDocument) => PlanDocument, ...args: string[]) {
    change(edit);
    const document = parsePlan('plan.json', readFileSync(join(dir, 'plan.json'), 'utf8'), sha256Text);
    const { turnbuild: by, coturn, source, advisories } = document;
    const made = {
      schema: 3 as const,
      turnbuild: by,
      plan: planDigest(document, sha256Text),
      coturn,
      source,
    };
    const manifest = { ...made, packageVersion: '4.18.0+turnbuild-1', advisories, bases: [], steps: [] };
    writeFileSync(join(dir, 'manifest.json'), formatManifest(manifest, sha256Text));
    rmSync(join(dir, 'coturn.tar.gz'));
    return turnbuild(['collect', '.', ...args], { cwd: dir, env: { PATH: dir } });
  }

  it('and continues without sources and Docker if they agree', async () =>
    expect((await collect((document) => document)).stderr).toContain('[COLLECT_INCOMPLETE]'));

  it.each<[string, (document: PlanDocument) => PlanDocument, RegExp]>([
    [
      'advisories',
      (document) => ({ ...document, advisories: [{ ...ADVISORY, id: 'CVE-0' }] }),
      /The plan differs from what this turnbuild would do: advisories/,
    ],
    [
      'the turnbuild version',
      (document) => ({ ...document, turnbuild: '9.9.9' }),
      /turnbuild 9\.9\.9 created the plan/,
    ],
    [
      'a step',
      (document) => ({ ...document, steps: document.steps.map((step) => ({ ...step, outputs: ['x'] })) }),
      /The plan differs from what this turnbuild would do: steps\.build:debian-13:arm64\.outputs/,
    ],
  ])('and refuses a difference in %s', async (_, edit, message) => {
    const run = await collect(edit);
    expect(run.stderr).toMatch(message);
    expect(run.stderr).toContain('[PLAN_DIFFERS]');
  });

  it('and uses the recipes and the lock file of its options', async () => {
    const lock = { '4.18.0': { sha256s: {}, tree: '7'.repeat(64), epoch: 1 } };
    writeFileSync(join(dir, 'lock.json'), JSON.stringify({ schema: 1, sources: lock }));
    const own = recipes('recipes/docker/deb/package.sh', (old) => `${old}\n# another\n`);
    const same = (document: PlanDocument) => document;
    expect((await collect(same, '--lock', 'lock.json')).stderr).toMatch(/other sources[\s\S]*PLAN_DIFFERS/);
    writeFileSync(join(dir, 'coturn.tar.gz'), tarball);
    expect((await collect(same, ...own)).stderr).toMatch(/steps\.package[\s\S]*\[PLAN_DIFFERS\]/);
  });
});

it.each([
  ['4.17.1', 1],
  ['4.18.0', 0],
])(
  'release --plan for coturn %s prints %i notices that the release is quarantined',
  async (version, times) => {
    const tar = gzipSync(coturnTar(version));
    writeFileSync(join(dir, 'coturn.tar.gz'), tar);
    const pin = createHash('sha256').update(tar).digest('hex');
    // The recipes' own lock file has other sources for these versions.
    const lock = ['--lock', join(dir, 'no-lock.json')];
    const args = [
      '--source',
      './coturn.tar.gz',
      '--sha256',
      pin,
      '--target',
      'debian-13',
      '--allow-quarantined',
      ...lock,
    ];
    const planned = await turnbuild(['plan', ...args, '--json'], program());
    expect(planned.code, planned.stderr).toBe(0);
    writeFileSync(join(dir, 'plan.json'), planned.stdout);
    const quarantined = (run: { stdout: string }) =>
      run.stdout.match(/^coturn 4\.17\.1 must not be shipped: .*TTL of 1.*\(https:/gm)?.length ?? 0;
    const run = await release(...lock);
    expect(run.stderr).toBe('');
    expect(quarantined(run)).toBe(times);
    if (times > 0) expect(run.stdout).toContain('The plan allows it.');
    const plain = await turnbuild(['release', ...args, '--dry-run'], program());
    expect(quarantined(plain)).toBe(times);
    if (times > 0) expect(plain.stdout).toContain('--allow-quarantined allows it.');
  },
);

/** A copy of the recipes with one changed file. @returns options that use it */
function recipes(path: string, edit: (old: string) => string): string[] {
  const own = join(dir, 'own');
  for (const name of ['recipes', 'patches']) cpSync(join(root, name), join(own, name), { recursive: true });
  const old = readFileSync(join(own, path), 'utf8');
  expect(edit(old)).not.toBe(old);
  writeFileSync(join(own, path), edit(old));
  return ['--recipes', join(own, 'recipes')];
}
