import type { StageName } from '../manifest/stages.ts';
import type { ApplicableAdvisory, DeclaredExposure } from '../recipe/advisories.ts';
import type { Deviation } from '../recipe/deviations.ts';
import type { Metric } from '../recipe/metrics.ts';
import type { Archive, Target } from '../recipe/schema.ts';
import type { RelayRange } from './capacity.ts';
import type { CheckSelection } from './check-selection.ts';
import type { VersionNeeds } from './compatibility.ts';
import type { Arch } from './platforms.ts';

/** A base image: the minimal root file system that steps start from. `id` is `suite-arch`, e.g. `bookworm-arm64`. */
export interface PlannedBase {
  id: string;
  suite: string;
  arch: Arch;
  /** Of another distribution than Debian. */
  archive?: Archive;
  /** A registry reference pinned by digest; without one it is bootstrapped from its archive. */
  image?: string;
  /** The image is used as it is: an .rpm is verified in it, and it may have another package manager. */
  asIs?: true;
}

/** An image of a registry, what dnf fills from the target's repositories, or one that turnbuild makes of another distribution's. */
export type RpmRoot = 'given' | 'installed' | 'made';

/** One stage for one target and architecture. All paths are relative to the release's folder. */
export interface PlannedStep {
  /** `build:debian-12:arm64` */
  id: string;
  stage: StageName;
  target: string;
  arch: Arch;
  /** Ids of the steps whose outputs go in. */
  needs: string[];
  /** The packages that it is all about: the program's, and that of its debug symbols if there is one; and their version. */
  packages: string[];
  packageVersion: string;
  /** Where the outputs lie afterwards. */
  outputs: string[];
  /** Base image of the platform that builds, and of the one that the package is for. Which of them it starts from, its stage says. */
  base: string;
  targetBase: string;
  /** Stage of recipes/docker/<format>/Dockerfile, and its build arguments. */
  dockerStages: string[];
  buildArgs: Record<string, string>;
  /** Of an .rpm's verification: where the root comes from that it is tried in. */
  rpmRoot?: RpmRoot;
}

/** The sources of a release: where they were found, and what they must be. */
export interface PlannedSource {
  provider: 'github' | 'debian' | 'file' | 'url';
  location: string;
  sha256: string;
  /** Digest of the tree: the same for the same sources from any provider. */
  tree: string;
  commit?: string;
  gitTree?: string;
}

/** What was decided by the options: together with recipes and sources, a plan follows from it. */
export interface Choices {
  targets: readonly string[];
  architectures: readonly Arch[];
  /** The processor that is compiled on, for each architecture that is compiled for. */
  compilesOn: Readonly<Record<Arch, Arch>>;
  /** Whether packages are verified, and how. */
  verify: boolean;
  selection: CheckSelection;
  full: boolean;
  /** Registry image, pinned by digest, in which .rpm packages are verified; the recipe's without it. */
  verifyOn?: string;
  /** Official images by the name and tag that recipes have for them, with their digests; none where base images are bootstrapped. */
  images?: Readonly<Record<string, string>>;
  /** Ids of build steps that have something outdated linked in, and are performed again for this revision. */
  rebuild: readonly string[];
}

export interface Plan {
  coturn: { version: string; revision: number; epoch: number };
  /** Undefined for a package that was given as a file: nobody here knows its source. */
  source?: PlannedSource;
  maintainer: string;
  relay: RelayRange;
  needs: VersionNeeds;
  /** Prometheus metrics that this version has. */
  metrics: Metric[];
  /** Metrics of this version that are known to count something else than their names say. */
  deviations: Deviation[];
  /** What is known to be wrong with this version, most severe first. */
  advisories: ApplicableAdvisory[];
  /** Whether the shipped configuration exposes each of them, by the advisory's id. */
  exposures: Record<string, DeclaredExposure>;
  targets: Target[];
  /** The processor that is compiled on, for each architecture that is compiled for. */
  compilesOn: Readonly<Record<Arch, Arch>>;
  bases: PlannedBase[];
  steps: PlannedStep[];
}
