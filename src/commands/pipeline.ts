import { randomUUID } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { join, resolve } from 'node:path';
import { EXIT, messageOf, TurnbuildError, usageError } from '../errors.ts';
import { runProcess } from '../io/exec.ts';
import * as files from '../io/files.ts';
import { lockFolder } from '../io/folder-lock.ts';
import type { Manifest } from '../manifest/schema.ts';
import { createPlan } from '../plan/index.ts';
import type { Plan, PlannedStep, StageName } from '../plan/types.ts';
import { prepareBase } from '../stages/base.ts';
import type { ReadyBase, StageContext } from '../stages/shared/context.ts';
import { writeSource } from '../stages/source.ts';
import { renderReport } from '../ui/report.ts';
import { runTasks, type TaskGroup } from '../ui/tasks.ts';
import { type BuilderFacts, inspectBuilder, requirePlatforms } from './builder.ts';
import { openManifest } from './manifest-file.ts';
import { architecturesOption, countOption, listOption } from './options.ts';
import { packageRoot } from './recipes.ts';
import { chains, logFile, type ManifestStore, runStep } from './run-plan.ts';
import { isPlain, type PlannedRelease, type Session } from './session.ts';
import { fetchShown } from './source-progress.ts';

/** Gathers facts and plans. `verify` says whether packages will be run, which needs a builder for their architecture. */
export async function planRelease(
  session: Session,
  version: string | undefined,
  verify: boolean,
): Promise<PlannedRelease> {
  const { options, recipes } = session;
  const wanted = architecturesOption(options.arch) ?? recipes.release.architectures;
  const targets = listOption(options.target) ?? recipes.release.targets;
  const revision = countOption('revision', options.revision) ?? recipes.release.revision;
  if (options.maintainer !== undefined && !/^[^<>]+ <[^<>@\s]+@[^<>@\s]+>$/.test(options.maintainer)) {
    throw usageError('OPTION_INVALID', '--maintainer is written as: Name <address@host>');
  }
  const plan = (
    coturn: { version: string; epoch: number },
    builder: Pick<BuilderFacts, 'driver' | 'buildArch'>,
  ): Plan =>
    createPlan({
      coturn: { ...coturn, revision },
      release: { ...recipes.release, maintainer: options.maintainer ?? recipes.release.maintainer },
      knownTargets: recipes.targets,
      compatibility: recipes.compatibility,
      targets,
      architectures: wanted,
      buildArch: builder.buildArch,
      verify,
      // Only the engine's own builder is known to give each container a network of its own.
      sharedNetwork: builder.driver !== 'docker',
    });
  // Wrong names are found before anything is downloaded or asked.
  plan({ version: '0.0.0', epoch: 0 }, { driver: 'docker', buildArch: wanted[0] ?? 'x86_64' });
  const builder = await inspectBuilder(options.builder, (command) =>
    runProcess(command, { signal: session.io.signal }),
  );
  if (verify) requirePlatforms(builder, wanted);
  const source = await fetchShown(session, version);
  return {
    source,
    builder,
    plan: plan({ version: source.version, epoch: source.epoch }, builder),
    dir: resolve(options.out ?? 'dist', source.version),
  };
}

/** Performs the steps of the given stages. Returns the manifest; throws the first error after all that could go on has. */
export async function performRelease(
  session: Session,
  release: PlannedRelease,
  stages: readonly StageName[],
): Promise<Manifest> {
  const { io, output } = session;
  const { plan, dir } = release;
  const lock = await lockFolder(dir);
  try {
    await writeSource(release.source, dir, io);
    const store = await openManifest(release, session.recipes);
    const bases = new Map<string, ReadyBase>();
    const context: StageContext = {
      io,
      plan,
      dir,
      recipes: session.recipes.dir,
      patches: session.recipes.patches,
      builder: session.options.builder,
      noCache: session.options.cache === false,
      bases,
      attempt: randomUUID(),
      onLine: () => {},
    };
    const steps = new Set(stages);
    const options = { plain: isPlain(session), jobs: session.jobs, line: output.line };
    const errors = await runTasks(baseGroups(session, plan, bases, store), {
      ...options,
      jobs: Math.min(2, session.jobs),
    });
    if (!io.signal.aborted)
      errors.push(...(await runTasks(stepGroups(session, context, store, steps), options)));
    const manifest = store.read();
    const version = (
      JSON.parse(await files.readText(join(await packageRoot(), 'package.json'))) as { version: string }
    ).version;
    await files.writeText(join(dir, 'report.html'), renderReport(manifest, { turnbuildVersion: version }));
    if (errors.length > 0) throw combined(errors, io.signal);
    return manifest;
  } finally {
    await files.remove(join(dir, '.work'));
    await lock.release();
  }
}

function baseGroups(
  session: Session,
  plan: Plan,
  bases: Map<string, ReadyBase>,
  store: ManifestStore,
): TaskGroup[] {
  return plan.bases.map((base) => ({
    title: `root ${base.id}`,
    tasks: [
      {
        title: base.image === undefined ? 'bootstrap' : 'registry image',
        run: async (show) => {
          const ready = await prepareBase(base, {
            io: session.io,
            cache: session.cache,
            mirrors: session.mirrors,
            refresh: session.options.refreshBase === true,
            onLine: show,
          });
          bases.set(base.id, ready);
          await store.recordBase({
            name: base.id,
            suite: base.suite,
            arch: base.arch,
            origin: ready.origin,
            digest: ready.digest,
          });
          return ready.digest.slice(0, 19);
        },
      },
    ],
  }));
}

function stepGroups(
  session: Session,
  context: StageContext,
  store: ManifestStore,
  stages: ReadonlySet<StageName>,
): TaskGroup[] {
  // A root that could not be made stops the packages that start from it, and no other.
  const ready = (step: PlannedStep) =>
    context.bases.has(step.base) && (step.stage !== 'verify' || context.bases.has(step.targetBase));
  const possible = chains(context.plan).filter((chain) =>
    chain.filter((step) => stages.has(step.stage)).every(ready),
  );
  return possible.map((chain) => ({
    title: `${chain[0]?.target} ${chain[0]?.arch}`,
    tasks: chain
      .filter((step) => stages.has(step.stage))
      .map((step) => ({
        title: step.stage,
        run: (show) => performStep(session, step, context, store, show),
      })),
  }));
}

async function performStep(
  session: Session,
  step: PlannedStep,
  context: StageContext,
  store: ManifestStore,
  show: (text: string) => void,
): Promise<string> {
  const path = join(context.dir, logFile(step));
  await files.makeFolder(join(context.dir, 'logs'));
  const log = createWriteStream(`${path}.tmp`);
  let lines = 0;
  let failure: Error | undefined;
  log.on('error', (error) => {
    failure ??= error;
  });
  try {
    const outcome = await runStep(step, context, store, (line) => {
      lines += 1;
      log.write(`${line}\n`);
      show(line.replace(/^#\d+ (\d+\.\d+ )?/, ''));
      if (session.options.verbose === true) session.output.line(`  ${step.id} | ${line}`);
    });
    if (outcome === 'blocked') {
      throw new TurnbuildError(
        'STEP_BLOCKED',
        `${step.id} needs ${step.needs.join(' and ')}, which has not been made`,
        {
          hint: 'Run `turnbuild release`, or the earlier command first.',
        },
      );
    }
    return outcome === 'current' ? 'up to date' : 'done';
  } finally {
    await new Promise((done) => log.close(done));
    if (failure !== undefined) await files.diskErrors(Promise.reject(failure));
    // A step that was up to date has printed nothing: its old log stays.
    if (lines > 0) await files.moveInto(`${path}.tmp`, path);
    else await files.remove(`${path}.tmp`);
  }
}

/** All errors as one: the first one's code, every message. */
function combined(errors: readonly unknown[], signal: AbortSignal): unknown {
  if (signal.aborted)
    return new TurnbuildError('INTERRUPTED', 'interrupted; finished steps are kept', {
      exitCode: EXIT.interrupted,
    });
  if (errors.length === 1) return errors[0];
  // The code and hint of one that has them; the texts of all.
  const known = errors.find((error) => error instanceof TurnbuildError);
  return new TurnbuildError(known?.code ?? 'RELEASE_FAILED', errors.map(messageOf).join('\n\n'), {
    cause: errors.find((error) => !(error instanceof TurnbuildError)),
    ...(known === undefined ? {} : { exitCode: known.exitCode }),
    ...(known?.hint === undefined ? {} : { hint: known.hint }),
  });
}
