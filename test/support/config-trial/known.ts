import type { Disagreement } from './compare.ts';

/** Disagreements that remain, and why. */
const KNOWN: readonly { about: string; detail: RegExp; reason: string }[] = [
  {
    about: 'start',
    detail: /Unknown (user|group) name: [a-z_][\w.-]*$/i,
    reason: 'whether an account exists is up to the machine, and not in the file',
  },
];

/** Why a disagreement is left as it is; undefined for one that is not. */
export function explain({ about, detail }: Disagreement): string | undefined {
  return KNOWN.find((each) => each.about === about && each.detail.test(detail))?.reason;
}
