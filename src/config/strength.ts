import type { Strength } from './secrets.ts';

/** Longest text that is estimated: what is longer takes long, and is strong or a repetition. */
const LONGEST = 100;

/** Loads zxcvbn's dictionaries, which takes a moment, and estimates by them: common passwords, names, words, dates, keys side by side. */
export async function loadStrength(): Promise<Strength> {
  const [{ ZxcvbnFactory }, { adjacencyGraphs, dictionary }] = await Promise.all([
    import('@zxcvbn-ts/core'),
    import('@zxcvbn-ts/language-common'),
  ]);
  const estimator = new ZxcvbnFactory({ dictionary, graphs: adjacencyGraphs });
  return (secret) => estimator.check(secret.slice(0, LONGEST)).guessesLog10;
}
