/** A way in which a call fails. `kind` tells a place what to do. */
export interface Failure<K = unknown> {
  /** E.g. `503 SlowDown`. */
  name: string;
  /** The calls that can fail so: operation and path. */
  calls: RegExp;
  kind: K;
  /** Code of the error with which the run ends; undefined: the call is repeated, and the run succeeds. */
  ends?: string;
  /** Whether it takes as long as the client's patience. */
  isSlow?: boolean;
  /** Where it is documented. */
  source: string;
}

/** The process dies before a call has an effect, or after it. */
export type Death = 'killed' | 'killed-after';

/** Deaths at any call. */
export const DEATHS: readonly Failure<Death>[] = (['killed', 'killed-after'] as const).map((kind) => ({
  name: kind,
  calls: /./,
  kind,
  ends: 'KILLED',
  source: 'signal(7), SIGKILL',
}));

/** What happens to a call: `dead`: its process was killed before. */
export type Outcome<K> = K | Death | 'dead' | undefined;

/**
 * The calls of one run, numbered as `OPERATION PATH #1`, so that a call has the same number in each run although others are made at the same
 * time.
 * A repetition after a failure has no number: it succeeds.
 * @param failures number of a call -> what goes wrong with it. Each happens once: it is removed.
 */
export function callPlan<K>(failures: Map<string, Failure<K | Death>>) {
  const counts = new Map<string, number>();
  const calls: string[] = [];
  const injected: { call: string; failure: Failure<K | Death> }[] = [];
  /** Calls that have failed, and are made again. */
  const repeated = new Set<string>();
  let dead = false;
  return {
    calls,
    injected,
    isDead: () => dead,
    /** How long a client waits for an answer: on a busy machine, answers that are only late must not count as missing. */
    stallMs: [...failures.values()].some(({ isSlow }) => isSlow) ? 3000 : 60_000,
    /** The call did not fail after all, so it is not made again. */
    wasHarmless(what: string): void {
      repeated.delete(what);
    },
    next(what: string): Outcome<K> {
      if (dead) return 'dead';
      if (repeated.delete(what)) return undefined;
      const count = (counts.get(what) ?? 0) + 1;
      counts.set(what, count);
      const call = `${what} #${count}`;
      calls.push(call);
      const failure = failures.get(call);
      if (failure === undefined) return undefined;
      failures.delete(call);
      injected.push({ call, failure });
      if (failure.ends === undefined && failure.kind !== 'twice') repeated.add(what);
      dead = failure.kind === 'killed' || failure.kind === 'killed-after';
      return failure.kind;
    },
  };
}

export type CallPlan<K = unknown> = ReturnType<typeof callPlan<K>>;
