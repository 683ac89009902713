import type { ArchiveState, Io } from '../../io/index.ts';
import type { Artifact, CheckResult, Exposure } from '../../manifest/schema.ts';
import type { PackageOrigin } from '../../plan/archives.ts';
import type { CheckSelection } from '../../plan/check-selection.ts';
import type { Command } from '../../plan/command.ts';
import type { Arch } from '../../plan/platforms.ts';
import type { Plan, PlannedStep } from '../../plan/types.ts';
import type { Sysroot } from '../../recipe/schema.ts';
import type { Repositories } from './archive.ts';

/** A base image that is ready to be given to buildx. */
export interface ReadyBase {
  /** Value of a named context: `oci-layout://DIR@DIGEST`, `docker-image://REF@DIGEST`, or an image of the engine's own. */
  context: string;
  digest: string;
  origin: 'bootstrapped' | 'registry';
  /** Installed packages and their versions, where turnbuild has made it itself. */
  packages?: Record<string, string>;
}

/** What is known before anything has been made, on whatever machine. */
export interface PlannedContext {
  io: Pick<Io, 'files'>;
  plan: Plan;
  /** Folders of the installed turnbuild. */
  recipes: string;
  patches: string;
  /** The program of the laboratory, bundled. */
  labProgram: string;
  /** Which checks are judged. */
  selection: CheckSelection;
  /** The laboratory tries as much as it can, not just enough to see each fault. */
  full: boolean;
}

/** What is known of a step when its turn has come. */
export interface InputsContext extends PlannedContext {
  /** The release's folder: all paths of steps and artifacts are beneath it. */
  dir: string;
  /** Ready base images by their id in the plan. */
  bases: ReadonlyMap<string, Pick<ReadyBase, 'digest'>>;
}

/** What a step's commands are made of, in a real run and in a dry one. */
export interface CommandContext
  extends Pick<PlannedContext, 'plan' | 'recipes' | 'labProgram' | 'selection'> {
  io: Pick<Io, 'proxiesForBuilds'> & { leftovers: Pick<Io['leftovers'], 'owner'> };
  /** The release's folder. */
  dir: string;
  /** buildx builder; the current one if undefined. */
  builder: string | undefined;
  /** Docker context of the engine that runs containers; the current one if undefined. */
  engine: string | undefined;
  /** Containers of the builder share a network, so that two verifications would meet on their ports. */
  sharedNetwork: boolean;
  /** Docker's build cache isn't used. */
  noCache: boolean;
  /** A value that no other run has, for what must never come from a cache. */
  attempt: string;
  /** Base images by their id in the plan. */
  bases: ReadonlyMap<string, Pick<ReadyBase, 'context'>>;
}

/** What only a real run finds out before it runs a step's commands. A dry run names it in capitals. */
export interface Found {
  /** The state of the package archive, or nothing where none is known. */
  archive: string;
  /** Build arguments that say what the repositories of a sysroot have. */
  repositories: Readonly<Record<string, string>>;
}

/** What a stage works with. */
export interface StageContext extends InputsContext, Omit<CommandContext, 'io' | 'bases'> {
  io: Io;
  /** Ids of steps that are performed even if nothing that goes in has changed but the archive. */
  rebuild: ReadonlySet<string>;
  /** Ready base images by their id in the plan. */
  bases: ReadonlyMap<string, ReadyBase>;
  /** What an archive has now of a suite: asked once in a run, and only if something is compiled. */
  archive: (origin: PackageOrigin) => Promise<ArchiveState | undefined>;
  /** The repositories that a sysroot is filled from. */
  repositories: (sysroot: Sysroot, arch: Arch) => Repositories;
  /** Does a piece of a step's work when its turn has come: as many at a time as packages are made (`--jobs`), over all steps. */
  piece: <T>(step: PlannedStep, work: () => Promise<T>) => Promise<T>;
  /** Takes each line that a step's processes print. */
  onLine: (line: string) => void;
}

/** What a step has made. */
export interface StepResult {
  outputs: Artifact[];
  checks?: CheckResult[];
  metrics?: Record<string, number>;
  facts?: Record<string, unknown>;
  /** Of the packages that it made: advisory -> exposure. */
  exposures?: Record<string, Exposure>;
}

/** What a step occupies while it is at work: the builder, a machine that boots, or nothing to speak of. */
export type Kind = 'docker' | 'boot' | 'plain';

/** One stage: what goes in (name -> digest, the step's key is made of it), the commands, and the work. Beside these it only looks for what killed runs have left. */
export interface Stage {
  kind: Kind;
  /** What is known when the step is planned: recipes, arguments, sources. Another machine finds the same, or performs another plan. */
  planned(step: PlannedStep, context: PlannedContext): Promise<Record<string, string>>;
  /** What is known when its turn has come: what earlier steps have made, and the base images. */
  inputs(step: PlannedStep, context: InputsContext): Promise<Record<string, string>>;
  /** Pure: a dry run prints them. */
  commands(step: PlannedStep, context: CommandContext, found: Found): Command[];
  perform(step: PlannedStep, context: StageContext): Promise<StepResult>;
}

/** The base image with this id; it was made ready before the steps started. */
export function readyBase<T>({ bases }: { bases: ReadonlyMap<string, T> }, id: string): T {
  const base = bases.get(id);
  if (base === undefined) throw new Error(`base ${id} is not ready`);
  return base;
}
