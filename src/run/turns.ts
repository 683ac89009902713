/** Work that waits for its turn. */
export interface Turn {
  /** It runs under QEMU, so it takes several times as long as native work. */
  emulated: boolean;
  /** Lower ranks go first. */
  rank: number;
}

/** Does work when its turn has come. */
export type TakeTurn = <T>(turn: Turn, work: () => Promise<T>) => Promise<T>;

/**
 * Limits how many steps, and how many parallel pieces of steps, run at a time. Native work starts before waiting emulated work. While native
 * work remains, one of several slots is reserved for it.
 */
export interface Turns {
  step: TakeTurn;
  piece: TakeTurn;
  /** Reports that native steps have finished, or will never start. */
  done(natives: number): void;
}

/**
 * @param jobs limit for steps, and for pieces
 * @param natives total number of native steps
 */
export function createTurns(jobs: number, natives: number): Turns {
  let left = natives;
  const pools = [createPool(jobs, () => left > 0), createPool(jobs, () => left > 0)] as const;
  return {
    step: pools[0].take,
    piece: pools[1].take,
    done(finished) {
      left -= finished;
      for (const pool of pools) pool.lookSoon();
    },
  };
}

/** Milliseconds within which the next step of a package requests its turn. */
const PAUSE_MS = 10;

interface Pool {
  take: TakeTurn;
  /** Starts waiting work after a pause, so that the next step of the package, which has the same rank, can request its turn. */
  lookSoon(): void;
}

function createPool(places: number, nativesLeft: () => boolean): Pool {
  const waiting: (Turn & { start: () => void })[] = [];
  let native = 0;
  let emulated = 0;
  const first = (kind: boolean) =>
    waiting.filter((each) => each.emulated === kind).sort((a, b) => a.rank - b.rank)[0];
  const next = () => {
    if (native + emulated >= places) return undefined;
    const ready = first(false);
    if (ready !== undefined) return ready;
    const kept = places > 1 && nativesLeft() ? 1 : 0;
    return emulated < places - kept ? first(true) : undefined;
  };
  const look = () => {
    for (let turn = next(); turn !== undefined; turn = next()) {
      waiting.splice(waiting.indexOf(turn), 1);
      if (turn.emulated) emulated += 1;
      else native += 1;
      turn.start();
    }
  };
  const lookSoon = () => void setTimeout(look, PAUSE_MS);
  return {
    lookSoon,
    async take(turn, work) {
      await new Promise<void>((resolve) => {
        waiting.push({ ...turn, start: resolve });
        look();
      });
      try {
        return await work();
      } finally {
        if (turn.emulated) emulated -= 1;
        else native -= 1;
        lookSoon();
      }
    },
  };
}
