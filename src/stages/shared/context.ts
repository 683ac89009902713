import type { ArchiveState, Io } from '../../io/index.ts';
import type { Artifact, CheckResult, Exposure } from '../../manifest/schema.ts';
import type { PackageOrigin } from '../../plan/archives.ts';
import type { BuildCache } from '../../plan/buildx.ts';
import type { CheckSelection } from '../../plan/check-selection.ts';
import type { Command } from '../../plan/command.ts';
import type { Arch } from '../../plan/platforms.ts';
import type { Plan, PlannedStep } from '../../plan/types.ts';
import type { Sysroot } from '../../recipe/schema.ts';
import type { Repositories } from './archive.ts';

/** A base image that is ready for buildx. */
export interface ReadyBase {
  /** Value of a named context: `oci-layout://DIR@DIGEST`, `docker-image://REF@DIGEST`, or a local image of the engine. */
  context: string;
  digest: string;
  origin: 'bootstrapped' | 'registry';
  /** Installed packages and their versions, if turnbuild made the image. */
  packages?: Record<string, string>;
}

/** The context that is known before anything is built, on any machine. */
export interface PlannedContext {
  io: Pick<Io, 'files'>;
  plan: Plan;
  /** Folders of the installed turnbuild. */
  recipes: string;
  patches: string;
  /** Path of the laboratory's bundled program. */
  labProgram: string;
  /** Path of the bundled program that boots images. */
  bootProgram: string;
  /** Which checks are judged. */
  selection: CheckSelection;
  /** The laboratory runs at full scale, not just enough to detect each fault. */
  full: boolean;
}

/** The context that is known when a step is about to start. */
export interface InputsContext extends PlannedContext {
  /** The release's folder: all paths of steps and artifacts are relative to it. */
  dir: string;
  /** Ready base images by their id in the plan. */
  bases: ReadonlyMap<string, Pick<ReadyBase, 'digest'>>;
  /** The current state of a suite, read once in a run and only if something is compiled or an image is made. */
  archive: (origin: PackageOrigin) => Promise<ArchiveState | undefined>;
}

/** The inputs of a step's commands, in real and dry runs. */
export interface CommandContext
  extends Pick<PlannedContext, 'plan' | 'recipes' | 'labProgram' | 'bootProgram' | 'selection'> {
  io: Pick<Io, 'proxiesForBuilds'> & { leftovers: Pick<Io['leftovers'], 'owner'> };
  /** The release's folder. */
  dir: string;
  /** buildx builder; the current one if undefined. */
  builder: string | undefined;
  /** Docker context of the engine that runs containers; the current one if undefined. */
  engine: string | undefined;
  /** Containers of the builder share a network, so the ports of two verifications would conflict. */
  sharedNetwork: boolean;
  /** Don't use Docker's build cache. */
  noCache: boolean;
  /** Caches of compilations outside the builder. */
  buildCache?: BuildCache | undefined;
  /** A value that is unique to this run, for stages that must never be cached. */
  attempt: string;
  /** Base images by their id in the plan. */
  bases: ReadonlyMap<string, Pick<ReadyBase, 'context'>>;
}

/** Values that only a real run knows. A dry run shows placeholders in capitals. */
export interface Found {
  /** The state of the package archive; empty if none is known. */
  archive: string;
  /** Build arguments with the state of a sysroot's repositories. */
  repositories: Readonly<Record<string, string>>;
}

/** The context in which a stage performs a step. */
export interface StageContext extends InputsContext, Omit<CommandContext, 'io' | 'bases'> {
  io: Io;
  /** Ids of steps to perform even if they are up to date. */
  rebuild: ReadonlySet<string>;
  /** Ready base images by their id in the plan. */
  bases: ReadonlyMap<string, ReadyBase>;
  /** The repositories that a sysroot is filled from. */
  repositories: (sysroot: Sysroot, arch: Arch) => Repositories;
  /** Does a piece of a step's work when its turn has come. `--jobs` limits the pieces of all steps together. */
  piece: <T>(step: PlannedStep, work: () => Promise<T>) => Promise<T>;
  /** Receives each line that a step's processes print. */
  onLine: (line: string) => void;
}

/** The result of a step. */
export interface StepResult {
  outputs: Artifact[];
  checks?: CheckResult[];
  metrics?: Record<string, number>;
  facts?: Record<string, unknown>;
  /** Exposure of the step's packages: advisory -> exposure. */
  exposures?: Record<string, Exposure>;
}

/** The resource that a step occupies: the builder, a booting machine, or nothing significant. */
export type Kind = 'docker' | 'boot' | 'plain';

/** A stage: its inputs (name -> digest, for the step's key), its commands, and its work. It also removes leftovers of killed runs. */
export interface Stage {
  kind: Kind;
  /** Inputs known at planning: recipes, arguments, sources. They are the same on every machine that performs the plan. */
  planned(step: PlannedStep, context: PlannedContext): Promise<Record<string, string>>;
  /** Inputs known when the step is about to start: outputs of earlier steps, and base images. */
  inputs(step: PlannedStep, context: InputsContext): Promise<Record<string, string>>;
  /** Pure: a dry run prints them. */
  commands(step: PlannedStep, context: CommandContext, found: Found): Command[];
  perform(step: PlannedStep, context: StageContext): Promise<StepResult>;
}

/** The base image with this id, which must have been prepared. */
export function readyBase<T>({ bases }: { bases: ReadonlyMap<string, T> }, id: string): T {
  const base = bases.get(id);
  if (base === undefined) throw new Error(`base ${id} is not ready`);
  return base;
}
