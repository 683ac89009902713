import { homedir } from 'node:os';
import { isAbsolute, join, resolve } from 'node:path';
import { readAptMirrors } from '../io/apt-mirror.ts';
import { dryRunExec, runProcess } from '../io/exec.ts';
import { makeFolder } from '../io/files.ts';
import { createIo, type Io } from '../io/index.ts';
import { requirePrivate } from '../io/private-folder.ts';
import type { Mirrors } from '../plan/archives.ts';
import type { CheckSelection } from '../plan/check-selection.ts';
import type { PlanDocument, StepKey } from '../plan/document.ts';
import type { Plan } from '../plan/types.ts';
import type { ResolvedSource } from '../sources/fetch.ts';
import type { LockFiles } from '../sources/lock-file.ts';
import type { Output } from '../ui/output.ts';
import { type BuilderFacts, sharesNetwork } from './builder.ts';
import { lockFilesOf } from './lock-files.ts';
import {
  type CommonOptions,
  countOption,
  defaultJobs,
  mirrorOption,
  requireKnownMirrors,
} from './options.ts';
import { openProject } from './project.ts';
import { type ProjectUse, withProject } from './project-options.ts';
import type { Recipes } from './recipes.ts';

/** Everything that a command gathers before it plans. */
export interface Session {
  options: CommonOptions;
  output: Output;
  recipes: Recipes;
  locks: LockFiles;
  /** The version that the project releases, for a command that names none. */
  coturn: string | undefined;
  io: Io;
  cache: string;
  mirrors: Mirrors;
  jobs: number;
}

/**
 * Where turnbuild keeps downloads and bootstrapped base images, as an absolute path: TURNBUILD_CACHE, else the XDG cache folder. An empty variable is
 * none, and so is a relative XDG_CACHE_HOME (XDG Base Directory Specification).
 */
export function cacheFolder({ TURNBUILD_CACHE, XDG_CACHE_HOME }: NodeJS.ProcessEnv = process.env): string {
  if (TURNBUILD_CACHE !== undefined && TURNBUILD_CACHE !== '') return resolve(TURNBUILD_CACHE);
  const home = XDG_CACHE_HOME ?? '';
  return resolve(isAbsolute(home) ? home : join(homedir(), '.cache'), 'turnbuild');
}

/**
 * Gathers what every command that works on releases needs.
 * @param uses what of a project's settings has a meaning for the command
 * @throws CACHE_UNSAFE, and what the project, recipes and options are refused for
 */
export async function openSession(
  given: CommonOptions,
  output: Output,
  signal: AbortSignal,
  uses: ProjectUse = 'places',
): Promise<Session> {
  const apt = await readAptMirrors();
  const cache = cacheFolder();
  // Made before it is looked at, so that nobody else can do it in between. Where that fails, whatever needs it will say so.
  if (given.dryRun !== true) await makeFolder(cache).catch(() => {});
  await requirePrivate(cache);
  // What the command line says is refused first, in its own words.
  mirrorOption(given.mirror);
  const { project, recipes } = await openProject(given, cache);
  const { options, coturn } = withProject(given, project, uses);
  const { debian, named } = mirrorOption(options.mirror);
  requireKnownMirrors(named, recipes.targets);
  const exec = options.dryRun === true ? dryRunExec(output.line) : runProcess;
  return {
    options,
    output,
    recipes,
    locks: await lockFilesOf(options, project),
    coturn,
    io: createIo(exec, signal, output.line),
    cache,
    mirrors: { debian: debian ?? apt.debian, security: apt.security, named },
    jobs: countOption('jobs', options.jobs) ?? defaultJobs(),
  };
}

/** A release that is planned: sources resolved and pinned, facts gathered. */
export interface PlannedRelease {
  /** Undefined for a package that was given as a file. */
  source: ResolvedSource | undefined;
  builder: BuilderFacts;
  selection: CheckSelection;
  /** Verified at full scale. */
  full: boolean;
  /** What is performed: the whole plan, or a part of it. */
  plan: Plan;
  /** What goes into each step and is known before anything is made, by the step's id. */
  keys: ReadonlyMap<string, StepKey>;
  /** The plan as a document; undefined for a package that was given as a file. */
  document: PlanDocument | undefined;
  /** Ids of build steps that are performed whatever the manifest says of them. */
  rebuild: ReadonlySet<string>;
  /** The release's folder. */
  dir: string;
}

/** Plain lines instead of a live display: --verbose, --json, --dry-run, CI, or output that is not a capable terminal. */
export function isPlain({ options }: Session): boolean {
  const asked = options.verbose === true || options.json === true || options.dryRun === true;
  return asked || process.env.CI === 'true' || !isCapable(process.stdout, process.env);
}

/** The session's io for a task of a display: a live one would keep back until its end what is printed in the meantime. */
export function ioOfTask(session: Session, show: (text: string) => void): Io {
  const { io } = session;
  return isPlain(session) ? io : { ...io, lockFolder: (dir, wait) => io.lockFolder(dir, wait, show) };
}

/** Narrower terminals do not report their width: a serial console has 0 columns. */
const LEAST_COLUMNS = 20;

/** Whether output is a terminal that takes colours and cursor movements. @see https://no-color.org */
export function isCapable(
  { isTTY, columns }: { isTTY?: boolean; columns?: number },
  { NO_COLOR, TERM = '' }: NodeJS.ProcessEnv,
): boolean {
  // A terminal of unknown type is a dumb one, as for every program that asks terminfo.
  const isDumb = TERM === '' || TERM === 'dumb';
  return isTTY === true && (columns ?? 0) >= LEAST_COLUMNS && (NO_COLOR ?? '') === '' && !isDumb;
}

/** Where the commands of a release run, and where they write. */
export function placeOf({ options }: Session, { builder, dir }: PlannedRelease) {
  return {
    dir,
    builder: options.builder,
    // A builder of the engine itself has the name of its Docker context.
    engine: builder.driver === 'docker' ? builder.name : undefined,
    sharedNetwork: sharesNetwork(builder),
    noCache: options.cache === false,
  };
}
