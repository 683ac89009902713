import { expect } from 'vitest';
import { TurnbuildError } from '../../../src/errors.ts';
import { parseTrustedRoots, type VerifiedBundle, verifyBundle } from '../../../src/io/sigstore-bundle.ts';

/** A bundle, what it proves, and the trusted roots for it. */
export interface Proof {
  bundle: string;
  original: VerifiedBundle;
  roots: Awaited<ReturnType<typeof parseTrustedRoots>>;
}

export async function proofOf(bundle: string, trustedRoot: string): Promise<Proof> {
  const roots = await parseTrustedRoots('root', trustedRoot);
  return { bundle, roots, original: await verifyBundle('it', bundle, roots) };
}

/**
 * What becomes of a changed bundle: the code of its refusal, or `same` if it proves the same. Anything else fails the test: an error that is
 * not one of turnbuild, or another document, signer or time.
 */
export async function outcomeOf(text: string, { original, roots }: Proof): Promise<string> {
  try {
    expect(await verifyBundle('it', text, roots)).toEqual(original);
    return 'same';
  } catch (error) {
    if (error instanceof TurnbuildError && error.code.startsWith('BUNDLE_')) return error.code;
    throw error;
  }
}

/** Flips a bit of each `step`th byte. @returns outcome -> number of bytes */
export async function flippedOutcomes(proof: Proof, step: number): Promise<Record<string, number>> {
  const { bundle } = proof;
  const outcomes: Record<string, number> = {};
  for (let at = 0; at < bundle.length; at += step) {
    const flipped = String.fromCharCode(bundle.charCodeAt(at) ^ (1 << (at % 7)));
    const found = await outcomeOf(bundle.slice(0, at) + flipped + bundle.slice(at + 1), proof);
    outcomes[found] = (outcomes[found] ?? 0) + 1;
  }
  return outcomes;
}
