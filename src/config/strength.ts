import type { Strength } from './secrets.ts';

/** Maximum characters for an estimate. Longer texts take long and are either strong or repetitive. */
const LONGEST = 100;
/** Characters estimated first, and the power of ten of guesses that suffices for every rule. */
const BEGIN = 30;
const ENOUGH = 20;

/** Loads zxcvbn's dictionaries, which takes a moment. zxcvbn recognizes common passwords, names, words, dates and adjacent keys. */
export async function loadStrength(): Promise<Strength> {
  const [{ ZxcvbnFactory }, { adjacencyGraphs, dictionary }] = await Promise.all([
    import('@zxcvbn-ts/core'),
    import('@zxcvbn-ts/language-common'),
  ]);
  const estimator = new ZxcvbnFactory({ dictionary, graphs: adjacencyGraphs });
  const estimate = (text: string) => estimator.check(text).guessesLog10;
  return (secret) => {
    // The time grows much faster than the length, and a file may have thousands of accounts.
    const begin = estimate(secret.slice(0, BEGIN));
    return begin >= ENOUGH || secret.length <= BEGIN ? begin : estimate(secret.slice(0, LONGEST));
  };
}
