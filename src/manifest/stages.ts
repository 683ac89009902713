/** A base image that a step may start from: that of the build platform, or of the target platform. */
export type BaseKind = 'base' | 'targetBase';

/** A command that performs several stages. */
export type Pipeline = 'release' | 'image';

/** The properties of a stage. Other code distinguishes stages by these, not by name. */
export interface StageTraits {
  /** What its steps produce. Only stages that produce verdicts can be skipped, with `--no-verify`. */
  makes: 'programs' | 'packages' | 'images' | 'verdicts';
  /** The command that performs it together with others. */
  pipeline: Pipeline;
  /** The base images that its steps start from. */
  bases: readonly BaseKind[];
  /** It runs programs of the target architecture, under QEMU if it is not the builder's own. */
  runsTarget: boolean;
  /** Describes a package without this stage in messages, e.g. `not built`. */
  undone: string;
}

/** The stages of one package and of its images, in order: the outputs of each are inputs of the next. */
const TRAITS = {
  build: { makes: 'programs', pipeline: 'release', bases: ['base'], runsTarget: false, undone: 'not built' },
  package: {
    makes: 'packages',
    pipeline: 'release',
    bases: ['base'],
    runsTarget: false,
    undone: 'not packaged',
  },
  verify: {
    makes: 'verdicts',
    pipeline: 'release',
    bases: ['base', 'targetBase'],
    runsTarget: true,
    undone: 'not verified',
  },
  image: {
    makes: 'images',
    pipeline: 'image',
    bases: ['base', 'targetBase'],
    runsTarget: true,
    undone: 'no image built',
  },
  boot: { makes: 'verdicts', pipeline: 'image', bases: ['base'], runsTarget: false, undone: 'not booted' },
} as const satisfies Record<string, StageTraits>;

export type StageName = keyof typeof TRAITS;

/** Names of all stages, in order. */
export const STAGES = Object.keys(TRAITS) as [StageName, ...StageName[]];

export function traitsOf(stage: StageName): StageTraits {
  return TRAITS[stage];
}

/** The stages after one. Their results become invalid when its outputs change. */
export function stagesAfter(stage: StageName): StageName[] {
  return STAGES.slice(STAGES.indexOf(stage) + 1);
}

/**
 * Whether the outputs of a stage are inputs of a later one that needs it. An image is made from packages alone: it also needs their verdict,
 * but stays the same if they are verified again.
 */
export function isMadeFrom(later: StageName, stage: StageName): boolean {
  return traitsOf(later).pipeline === traitsOf(stage).pipeline || traitsOf(stage).makes === 'packages';
}

/** Whether a stage produces verdicts. */
export function judges(stage: StageName): boolean {
  return traitsOf(stage).makes === 'verdicts';
}

/** Whether a stage compiles. */
export function compiles(stage: StageName): boolean {
  return traitsOf(stage).makes === 'programs';
}

/**
 * The stages that a command performs: those of a pipeline, otherwise the stage of the same name.
 * @param verify false for `--no-verify` and `--no-boot`, which skip stages that produce verdicts
 */
export function stagesOf(command: Pipeline | StageName, verify = true): readonly StageName[] {
  const pipeline = STAGES.filter((stage) => traitsOf(stage).pipeline === command);
  const stages = pipeline.length > 0 ? pipeline : [command as StageName];
  return verify ? stages : stages.filter((stage) => !judges(stage));
}
