import type { StageName } from '../manifest/stages.ts';
import type { ApplicableAdvisory, DeclaredExposure } from '../recipe/advisories.ts';
import type { Deviation } from '../recipe/deviations.ts';
import type { Cloud } from '../recipe/machine.ts';
import type { Metric } from '../recipe/metrics.ts';
import type { Archive, Target } from '../recipe/schema.ts';
import type { RelayRange } from './capacity.ts';
import type { CheckSelection } from './check-selection.ts';
import type { VersionNeeds } from './compatibility.ts';
import type { MachineChoices } from './machine.ts';
import type { Arch } from './platforms.ts';

/** A base image: the minimal root file system that steps start from. `id` is e.g. `bookworm-arm64`, with a digest for a pinned image. */
export interface PlannedBase {
  id: string;
  suite: string;
  arch: Arch;
  /** The archive, if it is not Debian's. */
  archive?: Archive;
  /** A registry reference pinned by digest; without one it is bootstrapped from its archive. */
  image?: string;
  /** The image is used unchanged to verify an .rpm, and may have another package manager. */
  asIs?: true;
}

/** Root for an .rpm: a registry image, filled by dnf from the target's repositories, or made from another distribution. */
export type RpmRoot = 'given' | 'installed' | 'made';

/** One stage for one target and architecture, or for one cloud's image of them. All paths are relative to the release's folder. */
export interface PlannedStep {
  /** `build:debian-12:arm64` */
  id: string;
  stage: StageName;
  target: string;
  arch: Arch;
  /** The cloud that an image is for. */
  cloud?: Cloud;
  /** Ids of the steps whose outputs are inputs of this step. */
  needs: string[];
  /** The step's packages (the program's, and its debug symbols if any), and their version. */
  packages: string[];
  packageVersion: string;
  /** Paths of the outputs. */
  outputs: string[];
  /** Base images of the build platform and of the target platform. The stage decides which of them it uses. */
  base: string;
  targetBase: string;
  /** Stages of recipes/docker/Dockerfile, and their build arguments. */
  dockerStages: string[];
  buildArgs: Record<string, string>;
  /** For verifying an .rpm: where the root comes from. */
  rpmRoot?: RpmRoot;
}

/** The sources of a release: where they came from, and their digests. */
export interface PlannedSource {
  provider: 'github' | 'debian' | 'file' | 'url';
  location: string;
  sha256: string;
  /** Digest of the tree: the same for the same sources from any provider. */
  tree: string;
  commit?: string;
  gitTree?: string;
}

/** The decisions made by options. Together with recipes and sources, they determine a plan. */
export interface Choices {
  targets: readonly string[];
  architectures: readonly Arch[];
  /** The compiling processor, by target architecture. */
  compilesOn: Readonly<Record<Arch, Arch>>;
  /** Whether packages are verified, and how. */
  verify: boolean;
  selection: CheckSelection;
  full: boolean;
  /** Registry image, pinned by digest, in which .rpm packages are verified; by default the recipe's. */
  verifyOn?: string;
  /** Digests of official images, by their name and tag in recipes; undefined if base images are bootstrapped. */
  images?: Readonly<Record<string, string>>;
  /** The machine images to build; undefined for a release of packages. */
  machine?: MachineChoices;
  /** Ids of build steps that are repeated for this revision, because a statically linked library is outdated. */
  rebuild: readonly string[];
}

export interface Plan {
  coturn: { version: string; revision: number; epoch: number };
  /** Undefined for a package that was given as a file, whose source is unknown. */
  source?: PlannedSource;
  maintainer: string;
  relay: RelayRange;
  needs: VersionNeeds;
  /** Prometheus metrics that this version has. */
  metrics: Metric[];
  /** Metrics of this version that are known to count something other than their names suggest. */
  deviations: Deviation[];
  /** Known advisories for this version, most severe first. */
  advisories: ApplicableAdvisory[];
  /** Whether the shipped configuration exposes each of them, by the advisory's id. */
  exposures: Record<string, DeclaredExposure>;
  targets: Target[];
  /** The compiling processor, by target architecture. */
  compilesOn: Readonly<Record<Arch, Arch>>;
  bases: PlannedBase[];
  steps: PlannedStep[];
}
