import type { Advisory, CheckResult, Exposure, Manifest } from '../manifest/schema.ts';
import { isOfPackages, type Variant, variantsOf } from './outcome.ts';
import { bySeverity } from './severity.ts';

export type ExposureState = Exposure['state'];

/** An exposure that some packages share. */
export interface Answer extends Exposure {
  variants: Variant[];
  /** Status of the check that tests the exposure. */
  tried?: CheckResult['status'];
}

/** An advisory, and whether the packages of a release are exposed to it. */
export interface Exposed {
  advisory: Advisory;
  /** The worst state of all packages: exposed, then unknown, then not exposed. */
  state: ExposureState;
  answers: Answer[];
}

const WORST: readonly ExposureState[] = ['exposed', 'unknown', 'not-exposed'];

/** The advisories of a release, most severe first, each with the exposure of its packages. */
export function exposuresOf(manifest: Manifest): Exposed[] {
  // An image has the exposures of the package in it.
  const variants = variantsOf(manifest).filter(isOfPackages);
  return bySeverity(manifest.advisories).map((advisory) => {
    const answers = answersOf(manifest, advisory.id, variants);
    const state = WORST.find((each) => answers.some((answer) => answer.state === each)) ?? 'unknown';
    return { advisory, state, answers };
  });
}

function answersOf(manifest: Manifest, id: string, variants: readonly Variant[]): Answer[] {
  const answers: Answer[] = [];
  for (const variant of variants) {
    const answer = answerOf(manifest, id, variant);
    const same = answers.find(
      ({ state, reason, tried }) =>
        state === answer.state && reason === answer.reason && tried === answer.tried,
    );
    if (same === undefined) answers.push({ ...answer, variants: [variant] });
    else same.variants.push(variant);
  }
  if (answers.length === 0) return [{ ...unrecorded(manifest), variants: [] }];
  return answers.sort((a, b) => WORST.indexOf(a.state) - WORST.indexOf(b.state));
}

function answerOf(manifest: Manifest, id: string, variant: Variant): Omit<Answer, 'variants'> {
  const recorded = Object.hasOwn(variant.exposures, id) ? variant.exposures[id] : undefined;
  if (recorded === undefined) return unrecorded(manifest);
  if (recorded.check === undefined) return recorded;
  const tried = variant.checks.find((check) => check.id === recorded.check)?.status;
  // A test result takes precedence over a conclusion from the configuration.
  if (tried === 'failed' || tried === 'accepted')
    return { state: 'exposed', reason: 'The check for this advisory failed.', check: recorded.check, tried };
  return { ...recorded, ...(tried === undefined ? {} : { tried }) };
}

function unrecorded({ source }: Manifest): Exposure {
  return {
    state: 'unknown',
    reason:
      source === undefined
        ? 'turnbuild did not build this package and has not analysed its configuration.'
        : 'Exposure was not recorded in the manifest.',
  };
}

/** The packages of an answer: undefined for all, architectures if they identify the packages, otherwise names. */
export function aboutOf({ variants }: Answer, all: readonly Variant[]): string | undefined {
  if (variants.length === 0 || variants.length === all.length) return undefined;
  const archs = new Set(variants.map(({ arch }) => arch));
  const whole = all.filter(({ arch }) => archs.has(arch)).length === variants.length;
  return whole && !archs.has(undefined)
    ? [...archs].sort().join(', ')
    : variants.map(({ name }) => name).join(', ');
}
