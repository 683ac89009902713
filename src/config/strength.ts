import type { Strength } from './secrets.ts';

/** Longest text that is estimated: what is longer takes long, and is strong or a repetition. */
const LONGEST = 100;
/** Characters that are estimated first, and guesses as a power of ten that are enough for every rule. */
const BEGIN = 30;
const ENOUGH = 20;

/** Loads zxcvbn's dictionaries, which takes a moment, and estimates by them: common passwords, names, words, dates, keys side by side. */
export async function loadStrength(): Promise<Strength> {
  const [{ ZxcvbnFactory }, { adjacencyGraphs, dictionary }] = await Promise.all([
    import('@zxcvbn-ts/core'),
    import('@zxcvbn-ts/language-common'),
  ]);
  const estimator = new ZxcvbnFactory({ dictionary, graphs: adjacencyGraphs });
  const estimate = (text: string) => estimator.check(text).guessesLog10;
  return (secret) => {
    // The time grows much faster than the length, and a file can have thousands of accounts.
    const begin = estimate(secret.slice(0, BEGIN));
    return begin >= ENOUGH || secret.length <= BEGIN ? begin : estimate(secret.slice(0, LONGEST));
  };
}
