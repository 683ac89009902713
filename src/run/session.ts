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
import { type ProjectUse, type PublishSettings, publishOf, withProject } from './project-options.ts';
import type { Recipes } from './recipes.ts';

/** Everything that a command gathers before it plans. */
export interface Session {
  options: CommonOptions;
  output: Output;
  recipes: Recipes;
  locks: LockFiles;
  /** The project's coturn version, used if the command line names none. */
  coturn: string | undefined;
  /** The project's repository of packages; paths are absolute. */
  publish: PublishSettings;
  io: Io;
  cache: string;
  mirrors: Mirrors;
  jobs: number;
}

/**
 * Absolute path of the cache for downloads and base images: TURNBUILD_CACHE, otherwise the XDG cache folder. An empty variable counts as
 * unset, and so does a relative XDG_CACHE_HOME (XDG Base Directory Specification).
 */
export function cacheFolder({ TURNBUILD_CACHE, XDG_CACHE_HOME }: NodeJS.ProcessEnv = process.env): string {
  if (TURNBUILD_CACHE !== undefined && TURNBUILD_CACHE !== '') return resolve(TURNBUILD_CACHE);
  const home = XDG_CACHE_HOME ?? '';
  return resolve(isAbsolute(home) ? home : join(homedir(), '.cache'), 'turnbuild');
}

/**
 * Opens a session: reads the project, its recipes and lock files, and completes the options.
 * @param uses which of a project's settings apply to the command
 * @throws CACHE_UNSAFE, and the errors of an invalid project, recipe or option
 */
export async function openSession(
  given: CommonOptions,
  output: Output,
  signal: AbortSignal,
  uses: ProjectUse = 'places',
): Promise<Session> {
  const apt = await readAptMirrors();
  const cache = cacheFolder();
  // Created before the check, so that no other user can create it in between. A failure is reported when the cache is first used.
  if (given.dryRun !== true) await makeFolder(cache).catch(() => {});
  await requirePrivate(cache);
  // Reports an invalid --mirror before any error of the project.
  mirrorOption(given.mirror);
  const { project, recipes } = await openProject(given, cache);
  const { options, coturn } = withProject(given, project, uses);
  const { debian, security, named } = mirrorOption(options.mirror);
  requireKnownMirrors(named, recipes.targets);
  const exec = options.dryRun === true ? dryRunExec(output.line) : runProcess;
  return {
    options,
    output,
    recipes,
    locks: await lockFilesOf(options, project),
    coturn,
    publish: publishOf(project),
    io: createIo(exec, signal, output.line),
    cache,
    mirrors: { debian: debian ?? apt.debian, security: security ?? apt.security, named },
    jobs: countOption('jobs', options.jobs) ?? defaultJobs(),
  };
}

/** A planned release: its sources are resolved and pinned, and all facts are gathered. */
export interface PlannedRelease {
  /** Undefined for a package that was given as a file. */
  source: ResolvedSource | undefined;
  builder: BuilderFacts;
  selection: CheckSelection;
  /** Packages are verified at full scale. */
  full: boolean;
  /** The plan to perform, or the selected part of it. */
  plan: Plan;
  /** The inputs of each step that are known before anything is built, by the step's id. */
  keys: ReadonlyMap<string, StepKey>;
  /** The plan as a document; undefined for a package that was given as a file. */
  document: PlanDocument | undefined;
  /** Ids of build steps that are repeated even if they are up to date. */
  rebuild: ReadonlySet<string>;
  /** The release's folder. */
  dir: string;
}

/** Plain lines instead of a live display: --verbose, --json, --dry-run, CI, or output that is not a capable terminal. */
export function isPlain({ options }: Session): boolean {
  const asked = options.verbose === true || options.json === true || options.dryRun === true;
  return asked || process.env.CI === 'true' || !isCapable(process.stdout, process.env);
}

/** The session's io for a task. A live display holds back printed lines until it ends, so waiting for a lock is shown in the task. */
export function ioOfTask(session: Session, show: (text: string) => void): Io {
  const { io } = session;
  return isPlain(session) ? io : { ...io, lockFolder: (dir, wait) => io.lockFolder(dir, wait, show) };
}

/** Minimum width of a terminal. Smaller values mean that it does not report its width: a serial console has 0 columns. */
const LEAST_COLUMNS = 20;

/** Whether output is a terminal that supports colours and cursor movement. @see https://no-color.org */
export function isCapable(
  { isTTY, columns }: { isTTY?: boolean; columns?: number },
  { NO_COLOR, TERM = '' }: NodeJS.ProcessEnv,
): boolean {
  // A terminal of unknown type counts as dumb, as in programs that use terminfo.
  const isDumb = TERM === '' || TERM === 'dumb';
  return isTTY === true && (columns ?? 0) >= LEAST_COLUMNS && (NO_COLOR ?? '') === '' && !isDumb;
}

/** Where a release's commands run and where they write. */
export function placeOf({ options }: Session, { builder, dir }: PlannedRelease) {
  return {
    dir,
    builder: options.builder,
    // A builder of the `docker` driver has the name of its Docker context.
    engine: builder.driver === 'docker' ? builder.name : undefined,
    sharedNetwork: sharesNetwork(builder),
    noCache: options.cache === false,
    buildCache: { from: options.cacheFrom, to: options.cacheTo },
  };
}
