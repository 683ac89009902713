import { expect } from 'vitest';
import { PUBLIC_URL } from '../published.ts';
import { type Call, type Fault, QUICK_FAULTS } from './faults.ts';
import { contentIn, gcsPlace } from './place.ts';

/** Faults that each call survives. */
const FAULTS: readonly Fault[] = [
  ...QUICK_FAULTS,
  ...[408, 429, 500, 503].flatMap((status) => [{ status }, { status, after: true }]),
];

/** A fault for about one request in six, but not for the next one of the same kind, and not for clients. The seed decides which. */
export function schedule(seed: number): (call: Call) => Fault | undefined {
  let state = seed;
  /** A number below `limit` (the generator of Numerical Recipes). */
  const draw = (limit: number) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * limit);
  };
  let last = '';
  return ({ operation, path, name }) => {
    const request = `${operation} ${path} ${name}`;
    if (operation === 'public' || draw(6) > 0 || request === last) return undefined;
    last = request;
    return FAULTS[draw(FAULTS.length)];
  };
}

/**
 * Publishes, promotes and withdraws a release while requests fail. Expects the results of an undisturbed run after each command.
 * @returns the number of faults
 */
export async function publishWithFaults(
  signing: { home: string; key: string },
  seeds: readonly number[],
): Promise<number> {
  const commands = [['publish'], ['promote', '4.18.0'], ['withdraw', '4.18.0', '--reason', 'test']] as const;
  const perform = async (fault?: (call: Call) => Fault | undefined) => {
    const { gcs, run } = await gcsPlace('apt', signing, { url: PUBLIC_URL, ...(fault && { fault }) });
    const contents = [];
    for (const [verb, ...more] of commands) {
      expect(await run(verb, more)).toMatchObject({ code: 0, stderr: '' });
      contents.push(contentIn(gcs));
    }
    return { contents, faults: gcs.calls.flatMap((call) => call.fault ?? []) };
  };
  const wanted = (await perform()).contents;
  let faults = 0;
  for (const seed of seeds) {
    const found = await perform(schedule(seed));
    expect(found.contents, `seed ${seed}`).toEqual(wanted);
    faults += found.faults.length;
  }
  return faults;
}
