import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import type { Exec } from '../../src/io/exec.ts';
import { createIo } from '../../src/io/index.ts';
import { judges } from '../../src/manifest/stages.ts';
import { type Command, formatCommand } from '../../src/plan/command.ts';
import { createPlan, targetOfStep } from '../../src/plan/index.ts';
import type { Plan, PlannedStep } from '../../src/plan/types.ts';
import { dryRunCommands } from '../../src/run/dry-run.ts';
import { performRelease } from '../../src/run/perform.ts';
import type { PlannedRelease, Session } from '../../src/run/session.ts';
import { STAGE_TABLE } from '../../src/run/stage-table.ts';
import { repositoryArgs } from '../../src/stages/shared/archive.ts';
import type { ReadyBase, StageContext } from '../../src/stages/shared/context.ts';
import { machine, releaseFacts, target } from '../support/plan-facts.ts';
import { temporaryFolder } from '../support/sandbox.ts';

// A real run executes what a dry run prints: the real stages and base images, with a fake engine that only writes files.
const ROOT = new URL('../../', import.meta.url).pathname;
const SEEN = join(ROOT, 'test/fixtures/verified-4.6.1');
const NAMES = ['debian-13', 'portable', 'el9'];
const facts = { ...releaseFacts, targets: NAMES, knownTargets: NAMES.map(target), machine };

let dir: string;
let performed: Command[];
beforeEach(() => {
  dir = temporaryFolder();
  performed = [];
});

/** The executed commands that change something. */
const written = () => performed.filter(({ effect }) => effect === 'write').map(formatCommand);
const put = (path: string, text: string) => {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
};
const recording =
  (act: (command: Command) => number): Exec =>
  async (command) => {
    performed.push(command);
    return { code: act(command), stdout: '', stderr: '' };
  };

describe('a stage', () => {
  const plan = createPlan(facts);
  const fixture = (name: string, to: string) => {
    mkdirSync(dirname(to), { recursive: true });
    cpSync(join(SEEN, name), to, { recursive: true });
  };

  /** Writes the files that the Docker stage of a step would export. */
  const leave = (step: PlannedStep, { args }: Command): number => {
    const { features, staticLibraries } = targetOfStep(plan, step);
    const out = args.find((word) => word.startsWith('--output=type=local'))?.replace(/^.*dest=/, '') ?? '';
    const [license] = Object.keys(staticLibraries?.licenses ?? {});
    const exports: Record<string, () => void> = {
      build() {
        const names = ['tree.tar', 'debug.tar', 'tools.tar', 'compiler.txt', 'packages.txt'];
        for (const name of names) put(join(out, name), name);
        put(join(out, 'features.txt'), features.map((name) => `${name} yes\n`).join(''));
        put(join(out, 'libraries.txt'), 'libc.so.6 libc6 2.41-1 glibc 2.41-1 debian\n');
        if (staticLibraries !== undefined) put(join(out, 'linked.txt'), `${license} 1.0-1 trixie debian\n`);
        for (const name of ['options.txt', 'metrics.txt']) fixture(name, join(out, name));
      },
      package() {
        for (const name of step.outputs) put(join(out, name), name);
      },
      image() {
        for (const name of ['disk', 'packages.txt']) put(join(out, name), name);
        const observed = ['tree.txt', 'owners.txt', 'installed.txt', 'accounts.txt', 'keys.txt', 'disk.txt'];
        for (const name of [...observed, 'passwd', 'group', 'configuration/turnserver.conf'])
          put(join(out, 'facts', name), '');
        put(join(out, 'facts', 'go.txt'), 'go1.24.4\n');
        put(join(out, 'facts', 'go-package.txt'), 'golang-1.24-go 1.24.4-1 golang-1.24 1.24.4-1\n');
      },
      inspect: () => fixture('inspect', out),
      verify: () => fixture('verify', out),
      sanitize: () => put(join(out, 'turnserver'), 'a program'),
    };
    const stage = args.find((word) => word.startsWith('--target='))?.replace('--target=', '') ?? '';
    exports[stage]?.();
    const results = args.some((word) => word.endsWith(':/out/.')) ? (args.at(-1) ?? '') : undefined;
    if (results !== undefined && step.stage === 'verify') fixture('lab', results);
    if (results !== undefined && step.stage === 'boot')
      put(join(results, 'machine.json'), JSON.stringify({ boots: [] }));
    return 0;
  };

  const contextFor = (step: PlannedStep): StageContext => {
    const lab = join(dir, 'lab.mjs');
    put(lab, 'a program');
    return {
      io: createIo(
        recording((command) => leave(step, command)),
        new AbortController().signal,
      ),
      plan,
      dir: join(dir, 'dist'),
      recipes: join(ROOT, 'recipes'),
      patches: join(ROOT, 'patches'),
      labProgram: lab,
      bootProgram: lab,
      selection: { only: [], skip: [], reason: undefined, accept: [] },
      full: false,
      builder: 'far',
      engine: 'near',
      sharedNetwork: false,
      noCache: true,
      attempt: '0123456789',
      rebuild: new Set(),
      bases: new Map(
        plan.bases.map(({ id }) => [id, { context: `oci-layout://${id}`, digest: id } as ReadyBase]),
      ),
      archive: async ({ suite }) => ({ id: `state of ${suite}`, suites: [suite] }),
      repositories: (_, arch) => ({
        addresses: [`http://repository.test/${arch}`],
        state: async () => ({ id: 'state', suites: [], metadata: ['0'.repeat(64)] }),
      }),
      piece: (_, work) => work(),
      onLine: () => {},
    };
  };

  it.each(NAMES)('executes exactly the commands that it announces: %s', async (name) => {
    put(join(dir, 'dist', 'work', 'source', 'coturn-4.6.1.tar'), 'sources');
    for (const step of plan.steps.filter((each) => each.target === name)) {
      const context = contextFor(step);
      performed = [];
      await STAGE_TABLE[step.stage].perform(step, context);
      const state = join(dir, 'dist', 'work', 'build', `${step.target}-${step.arch}`, 'archive.txt');
      const found = {
        archive: (await context.io.files.readText(state)).trim(),
        repositories: await repositoryArgs(targetOfStep(plan, step), step.arch, context.repositories),
      };
      const said = STAGE_TABLE[step.stage].commands(step, context, found).map(formatCommand);
      // Parallel commands have no fixed order.
      expect(written().sort(), step.id).toEqual(said.sort());
      expect(said.length, step.id).toBeGreaterThan(0);
      // The real run also looks for containers and images that killed runs left.
      const asked = performed.filter(({ effect }) => effect === 'read').map(({ args }) => args[2]);
      expect(asked, step.id).toEqual(judges(step.stage) ? ['ps', 'image'] : []);
    }
  });
});

describe('a base image', () => {
  const images = new Set<string>();
  /** A fake mmdebstrap and a fake engine without the containerd image store, sufficient for base images. */
  const act = ({ file, args }: Command): number => {
    const image = args.at(-1) ?? '';
    if (args.includes('inspect')) return images.has(image) ? 0 : 1;
    if (args.includes('import')) images.add(image);
    const tar = args.find((word) => word.endsWith('/root.tar'));
    if (file !== 'mmdebstrap' || tar === undefined) return 0;
    put(tar, args.join(' '));
    put(join(dirname(tar), 'status'), 'Package: libc6\nStatus: install ok installed\nVersion: 2\n');
    return 0;
  };

  const release = (ociLayouts: boolean): { session: Session; release: PlannedRelease } => {
    const whole = createPlan({ ...releaseFacts, targets: ['debian-13'] });
    const plan: Plan = { ...whole, steps: [] };
    const selection = { only: [], skip: [], reason: undefined, accept: [] };
    return {
      session: {
        options: { verbose: true },
        output: { line: () => {}, styled: () => {}, data: () => {} },
        recipes: { dir: join(ROOT, 'recipes'), patches: join(ROOT, 'patches') } as Session['recipes'],
        locks: { own: join(dir, 'lock.json'), beneath: undefined },
        coturn: undefined,
        publish: {},
        io: createIo(recording(act), new AbortController().signal),
        cache: join(dir, 'cache'),
        mirrors: { debian: 'http://archive.test/debian', security: undefined, named: {} },
        jobs: 1,
      },
      release: {
        ...{ source: undefined, document: undefined, selection, full: false, keys: new Map(), plan },
        rebuild: new Set(),
        builder: {
          name: 'near',
          driver: 'docker',
          architectures: ['arm64', 'x86_64'],
          compilesOn: { arm64: 'x86_64', x86_64: 'x86_64' },
          ociLayouts,
        },
        dir: join(dir, 'dist'),
      },
    };
  };
  /** Replaces values that only a real run knows by the names that a dry run prints. */
  const asPrinted = (lines: readonly string[]) =>
    lines
      .map((line) =>
        line
          .replaceAll(/work\.\d+\.tmp/g, 'work.tmp')
          .replaceAll(/\b[0-9a-f]{64}\b/g, 'ROOT')
          .replaceAll(/(?<=[/:])[0-9a-f]{12}\b/g, 'DIGEST')
          // If the lending root does not exist yet, even its folder is unknown.
          .replaceAll('/DIGEST/blobs/sha256/ROOT', '/ROOT'),
      )
      .sort();

  it.each([
    ['an OCI layout', true, ['mmdebstrap', 'mmdebstrap']],
    ['an engine image', false, ['docker', 'docker', 'mmdebstrap', 'mmdebstrap']],
  ])(
    'passed as %s is built with exactly the commands that a dry run prints',
    async (_, ociLayouts, files) => {
      const { session, release: planned } = release(ociLayouts);
      const dryRun = async () => (await dryRunCommands(session, planned, [])).map(({ line }) => line);
      const said = await dryRun();
      expect(written()).toEqual([]);
      await performRelease(session, planned, []);
      expect(asPrinted(written())).toEqual(asPrinted(said));
      const changing = performed.filter(({ effect }) => effect === 'write');
      expect(changing.map(({ file }) => file).sort()).toEqual(files);
      // Once the base images exist, nothing is printed or executed.
      performed = [];
      expect(await dryRun()).toEqual([]);
      await performRelease(session, planned, []);
      expect(written()).toEqual([]);
    },
  );

  it('is rebuilt with --refresh-base, as a dry run announces', async () => {
    const { session, release: planned } = release(true);
    await performRelease(session, planned, []);
    performed = [];
    const fresh = { ...session, options: { ...session.options, refreshBase: true } };
    const said = (await dryRunCommands(fresh, planned, [])).map(({ line }) => line);
    expect(said).toHaveLength(2);
    expect(written()).toEqual([]);
    await performRelease(fresh, planned, []);
    expect(written()).toHaveLength(2);
  });

  it('in the cache is imported into an engine that lacks it', async () => {
    const { session, release: planned } = release(true);
    await performRelease(session, planned, []);
    performed = [];
    const { release: other } = release(false);
    const said = (await dryRunCommands(session, other, [])).map(({ line }) => line);
    await performRelease(session, other, []);
    expect(written().sort()).toEqual([...said].sort());
    expect(said).toHaveLength(2);
    for (const line of said) expect(line).toMatch(/ import .*\/blobs\/sha256\/[0-9a-f]{64} /);
  });

  it('is logged with its digest and recorded with its packages', async () => {
    const { session, release: planned } = release(true);
    const lines: string[] = [];
    const output = { ...session.output, line: (text: string) => void lines.push(text) };
    const { bases } = await performRelease({ ...session, output }, planned, []);
    expect(bases).toHaveLength(2);
    for (const { name, digest, packages } of bases) {
      expect(packages).toEqual({ libc6: '2' });
      const told = `base image ${name}: bootstrap: ${digest.slice(0, 'sha256:'.length + 12)}, `;
      expect(lines).toContainEqual(expect.stringContaining(told));
    }
  });
});
