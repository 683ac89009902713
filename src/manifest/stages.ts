/** A base image that a step may start from: of the platform that builds, or the one that the package is for. */
export type BaseKind = 'base' | 'targetBase';

/** What all of turnbuild has to know of a stage. Whoever needs to tell stages apart asks for one of these, not for a name. */
export interface StageTraits {
  /** What its steps end in. Only what ends in verdicts can be left out: `--no-verify`. */
  makes: 'programs' | 'packages' | 'verdicts';
  /** The base images that its steps start from. */
  bases: readonly BaseKind[];
  /** It runs programs of the architecture that the package is for: under QEMU where that is not the builder's own. */
  runsTarget: boolean;
  /** What is said of a package that lacks it, e.g. `not built`. */
  undone: string;
}

/** The stages of one package, in the order in which one's outputs go into the next. */
const TRAITS = {
  build: { makes: 'programs', bases: ['base'], runsTarget: false, undone: 'not built' },
  package: { makes: 'packages', bases: ['base'], runsTarget: false, undone: 'not packaged' },
  verify: { makes: 'verdicts', bases: ['base', 'targetBase'], runsTarget: true, undone: 'not verified' },
} as const satisfies Record<string, StageTraits>;

export type StageName = keyof typeof TRAITS;

/** Names of all stages, in order. */
export const STAGES = Object.keys(TRAITS) as [StageName, ...StageName[]];

export function traitsOf(stage: StageName): StageTraits {
  return TRAITS[stage];
}

/** The stages after one: what they have made is worth nothing any more when its outputs have changed. */
export function stagesAfter(stage: StageName): StageName[] {
  return STAGES.slice(STAGES.indexOf(stage) + 1);
}

/** Whether a stage's steps end in verdicts. */
export function judges(stage: StageName): boolean {
  return traitsOf(stage).makes === 'verdicts';
}

/** Whether a stage compiles. */
export function compiles(stage: StageName): boolean {
  return traitsOf(stage).makes === 'programs';
}

/**
 * The stages that a command performs: `release` all of them, each other one the stage of its name.
 * @param verify false for `--no-verify`, which leaves out what ends in verdicts
 */
export function stagesOf(command: 'release' | StageName, verify = true): readonly StageName[] {
  const stages = command === 'release' ? STAGES : [command];
  return verify ? stages : stages.filter((stage) => !judges(stage));
}
