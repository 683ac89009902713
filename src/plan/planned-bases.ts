import { traitsOf } from '../manifest/stages.ts';
import type { Target } from '../recipe/schema.ts';
import type { PlanFacts } from './index.ts';
import type { Arch } from './platforms.ts';
import type { PlannedBase, PlannedStep, RpmRoot } from './types.ts';

/** The base image of a target's suite for an architecture: the recipe's own, an official image, or a bootstrapped one. */
export function base(target: Target, arch: Arch, { images = {} }: Pick<PlanFacts, 'images'>): PlannedBase {
  const { baseImage, image, suite, archive } = target;
  const origin = { suite, arch, ...(archive === undefined ? {} : { archive }) };
  const digest = image === undefined ? undefined : images[image];
  const pinned = baseImage ?? (digest === undefined ? undefined : `${image}@${digest}`);
  if (pinned === undefined) return { id: `${suite}-${arch}`, ...origin };
  // Two targets of one suite may start from different images.
  const hex = pinned.split(':').at(-1)?.slice(0, 12);
  return { id: `${suite}-${arch}-${hex}`, ...origin, image: pinned };
}

/** The base image for verifying a package. For an .rpm without a given image, the build's base image, in which a root of rpms is made. */
export function targetBase(target: Target, arch: Arch, facts: PlanFacts): PlannedBase {
  if (target.format === 'deb') return base(target, arch, facts);
  const image = rpmImage(target, facts);
  if (image === undefined) return base(target, facts.compilesOn[arch], facts);
  const [reference = '', digest = ''] = image.split('@sha256:');
  return { id: `image-${arch}-${digest.slice(0, 12)}`, suite: reference, arch, image, asIs: true };
}

function rpmImage({ verifyOn }: Target, facts: PlanFacts): string | undefined {
  return facts.verifyOn ?? verifyOn;
}

/** The root in which an .rpm is verified: a given image, or one made from its distribution's repositories or from Debian's own binaries. */
export function rpmRoot(target: Target, facts: PlanFacts): RpmRoot {
  if (rpmImage(target, facts) !== undefined) return 'given';
  return target.sysroot === undefined ? 'made' : 'installed';
}

/** The base images that a step starts from. */
export function baseNames(step: PlannedStep): string[] {
  return traitsOf(step.stage).bases.map((kind) => step[kind]);
}
