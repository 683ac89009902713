import type { Disagreement } from './compare.ts';

/** Disagreements that remain, and why. */
const KNOWN: readonly { about: string; detail: RegExp; reason: string }[] = [];

/** Why a disagreement is left as it is; undefined for one that is not. */
export function explain({ about, detail }: Disagreement): string | undefined {
  return KNOWN.find((each) => each.about === about && each.detail.test(detail))?.reason;
}
