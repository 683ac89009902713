/** Numbers from 0 to 1 that depend only on the seed: a linear congruential generator with the constants of Numerical Recipes. */
export function drawn(seed: number): () => number {
  let state = seed >>> 0;
  const next = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
  // The first numbers of neighbouring seeds are similar.
  for (let skipped = 0; skipped < 8; skipped += 1) next();
  return next;
}
