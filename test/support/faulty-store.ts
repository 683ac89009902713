import { TurnbuildError } from '../../src/errors.ts';
import type { Store } from '../../src/io/store.ts';

/**
 * What goes wrong with a call: `refused`: an error before it has an effect; `unanswered`: it succeeds, but the answer is an error; `twice`: it is
 * sent again after it succeeded; `killed`: the process dies before it, or after it (`killed-after`).
 */
export const FAULTS = ['refused', 'unanswered', 'twice', 'killed', 'killed-after'] as const;
export type Fault = (typeof FAULTS)[number];

/** The calls that a store has. */
const CALLS = ['read', 'describe', 'list', 'listAll', 'create', 'replace', 'remove', 'lock'] as const;

/** A process that was killed makes no further call. */
const dead = () => new TurnbuildError('KILLED', 'The process was killed');

/**
 * A store whose calls fail as planned.
 * @param faults number of a call, from 0 on -> what goes wrong with it
 */
export function faultyStore(store: Store, faults: ReadonlyMap<number, Fault>) {
  let count = 0;
  const injected: string[] = [];
  let isDead = false;
  const failed = () => new TurnbuildError('STORE_UNREACHABLE', 'The store does not answer');
  const call = async (name: (typeof CALLS)[number], args: unknown[]): Promise<unknown> => {
    if (isDead) throw dead();
    const fault = faults.get(count);
    count += 1;
    if (fault !== undefined) injected.push(`${fault} ${name}`);
    const really = () => (store[name] as (...all: unknown[]) => Promise<unknown>)(...args);
    if (fault === 'refused') throw failed();
    if (fault === 'killed') {
      isDead = true;
      throw dead();
    }
    const result = await really();
    if (fault === 'killed-after') {
      isDead = true;
      throw dead();
    }
    if (fault === 'unanswered') {
      // A lock that nobody knows of must not stay: real stores give it back, or it expires.
      if (name === 'lock') await (result as { release(): Promise<void> }).release();
      throw failed();
    }
    if (fault === 'twice' && name !== 'lock') return really();
    return name === 'lock' ? alive(result as { release(): Promise<void> }) : result;
  };
  const alive = (lock: { release(): Promise<void> }) => ({
    release: async () => {
      if (!isDead) await lock.release();
    },
  });
  const methods = Object.fromEntries(
    CALLS.map((name) => [name, (...args: unknown[]) => call(name, args)]),
  ) as unknown as Omit<Store, 'address'>;
  return { ...methods, address: store.address, calls: () => count, injected, isDead: () => isDead };
}
