import { setTimeout as pause } from 'node:timers/promises';
import { messageOf, TurnbuildError } from '../../errors.ts';
import type { StoreUse } from '../store.ts';
import type { Bucket } from './bucket.ts';

/** The object that locks a bucket's repository. */
export const LOCK_KEY = '.lock';

/** How long a lock stays valid without being renewed, how often it is renewed, and how often another run looks at it, in milliseconds. */
export interface LeaseTimes {
  periodMs: number;
  renewMs: number;
  pollMs: number;
}

const TIMES: LeaseTimes = { periodMs: 30_000, renewMs: 5_000, pollMs: 1_000 };

const MAX_BYTES = 64 * 1024;
const ATTRIBUTES = { contentType: 'application/json', cacheControl: 'no-store' };

/** A lock on a bucket's repository, renewed in the background until it is released. */
export interface Lease {
  /**
   * @param check.isDoubtful asks the service, even if the lock was renewed just before
   * @throws PUBLISH_LOCK_LOST if another run has taken it over, e.g. while this machine slept
   */
  requireHeld(check?: { isDoubtful: boolean }): Promise<void>;
  release(): Promise<void>;
}

/** A lock's content. Everyone may be able to read it, so it names neither the machine nor the user. */
interface Holder {
  /** Identifies the run; also in its journal. */
  run: string;
  /** When the run began, by its own clock. */
  since: string;
  /** When the lock expires if it is not renewed, by the holder's clock. */
  until: string;
  /** Number of the run in GitHub Actions. */
  job?: string | undefined;
}

/**
 * Locks a bucket's repository for one run at a time, also between machines. A lock that its holder does not renew for a whole period is taken
 * over. The period is measured by watching the object, so the machines' clocks may differ.
 * @param use.tell why it waits, and what the service cannot do
 * @throws PUBLISH_LOCKED if another run renews the lock, INTERRUPTED
 */
export async function acquireLease(
  bucket: Bucket,
  { run, signal, tell }: StoreUse,
  times: LeaseTimes = TIMES,
): Promise<Lease> {
  const isSafe = await bucket.hasConditions();
  if (!isSafe)
    tell(
      `${bucket.address} ignores conditional requests, so two runs that start at the same time are not refused. Run only one at a time.`,
    );
  const own = { run, since: new Date().toISOString(), job: jobIn(process.env.GITHUB_RUN_ID) };
  let watched: { version: string; since: number } | undefined;
  for (;;) {
    if (signal.aborted)
      throw new TurnbuildError('INTERRUPTED', `Interrupted while waiting for the lock of ${bucket.address}`);
    const started = now();
    const found = await bucket.get(LOCK_KEY, MAX_BYTES);
    const holder = found === undefined ? undefined : holderIn(found.bytes);
    if (found !== undefined && holder?.run === run)
      return keepLease(bucket, { own, version: found.version, since: started }, { isSafe, tell, times });
    if (
      found === undefined ||
      (watched?.version === found.version && now() - watched.since >= times.periodMs)
    ) {
      const condition = found === undefined ? 'absent' : { version: found.version };
      const version = await bucket.put(LOCK_KEY, contentOf(own, times), ATTRIBUTES, condition);
      if (version !== undefined)
        return keepLease(bucket, { own, version, since: started }, { isSafe, tell, times });
      // Another run was faster, or it was an earlier attempt of this call.
      continue;
    }
    if (watched === undefined) {
      watched = { version: found.version, since: now() };
      tell(
        `${bucket.address} is locked by ${named(holder)}. Waiting up to ${times.periodMs / 1000} s to see whether that run is still alive.`,
      );
    } else if (watched.version !== found.version) throw locked(bucket, holder, times);
    await pause(times.pollMs, undefined, { signal }).catch(() => {});
  }
}

function keepLease(
  bucket: Bucket,
  held: { own: Omit<Holder, 'until'>; version: string; since: number },
  { isSafe, tell, times }: { isSafe: boolean; tell: (line: string) => void; times: LeaseTimes },
): Lease {
  const { own } = held;
  const { periodMs, renewMs } = times;
  let { version } = held;
  /** When the lock was last known to be this run's. */
  let confirmed = { at: held.since, clock: Date.now() };
  let lost: TurnbuildError | undefined;
  let renewing: Promise<void> | undefined;

  /** The lock's version while it is this run's; undefined after another run has taken it. */
  const ownVersion = async () => {
    const found = await bucket.get(LOCK_KEY, MAX_BYTES);
    const holder = found === undefined ? undefined : holderIn(found.bytes);
    if (found !== undefined && holder?.run === own.run) return found.version;
    lost = new TurnbuildError(
      'PUBLISH_LOCK_LOST',
      `This run lost its lock on ${bucket.address}: ${found === undefined ? 'it was removed, e.g. by a run that took it over and has finished' : `${named(holder)} took it over`}`,
      {
        hint: `A run that does not reach the bucket for ${periodMs / 1000} s, e.g. because its machine slept, loses the lock. When the other run has finished, run the same command again.`,
      },
    );
    return undefined;
  };
  const renew = async () => {
    const started = { at: now(), clock: Date.now() };
    // Without conditions, a lock that another run has taken would be overwritten.
    if (!isSafe && (await ownVersion()) === undefined) return;
    const renewed =
      (await bucket.put(LOCK_KEY, contentOf(own, times), ATTRIBUTES, { version })) ?? (await ownVersion());
    if (renewed === undefined) return;
    version = renewed;
    confirmed = started;
  };
  const renewOnce = () => {
    renewing ??= renew().finally(() => {
      renewing = undefined;
    });
    return renewing;
  };
  // What fails in the background fails again before the next change, if it lasts.
  const timer = setInterval(() => void renewOnce().catch(() => {}), renewMs);
  timer.unref();
  return {
    async requireHeld({ isDoubtful } = { isDoubtful: false }) {
      if (lost === undefined && (isDoubtful || !isFresh(confirmed, periodMs - 2 * renewMs)))
        await renewOnce();
      if (lost !== undefined) throw lost;
    },
    async release() {
      clearInterval(timer);
      try {
        await renewing?.catch(() => {});
        const current = lost === undefined ? await ownVersion() : undefined;
        if (current !== undefined) await bucket.remove(LOCK_KEY, current);
      } catch (error) {
        // The run itself has succeeded, or failed for a reason that matters more.
        tell(
          `The lock of ${bucket.address} could not be removed (${messageOf(error)}). It expires in ${periodMs / 1000} s.`,
        );
      }
    },
  };
}

/** A monotonic time in milliseconds. It may stand still while the machine sleeps. */
const now = () => performance.now();

/** Whether less than a time has passed, by the monotonic clock and by the wall clock, which also counts sleep. */
function isFresh({ at, clock }: { at: number; clock: number }, ms: number): boolean {
  const passed = Date.now() - clock;
  return now() - at < ms && passed >= 0 && passed < ms;
}

function contentOf(own: Omit<Holder, 'until'>, { periodMs }: LeaseTimes): { bytes: Buffer } {
  const holder: Holder = { ...own, until: new Date(Date.now() + periodMs).toISOString() };
  return { bytes: Buffer.from(`${JSON.stringify(holder)}\n`) };
}

/** Who holds a lock; undefined if the object is not turnbuild's. Its words are printed. */
function holderIn(bytes: Buffer): Holder | undefined {
  try {
    const { run, since, until, job } = JSON.parse(bytes.toString()) as Partial<Record<keyof Holder, unknown>>;
    if (!isWord(run, /^[\w-]{1,64}$/) || !isTime(since) || !isTime(until)) return undefined;
    return { run, since, until, job: jobIn(job) };
  } catch {
    return undefined;
  }
}

const jobIn = (value: unknown) => (isWord(value, /^\d{1,20}$/) ? value : undefined);
const isWord = (value: unknown, form: RegExp): value is string =>
  typeof value === 'string' && form.test(value);
const isTime = (value: unknown) => isWord(value, /^[\dTZ:.-]{1,40}$/);

function named(holder: Holder | undefined): string {
  if (holder === undefined) return `an unknown run (${LOCK_KEY})`;
  const { run, since, job } = holder;
  return `${job === undefined ? 'the run' : `run ${job} of GitHub Actions,`} ${run}, which began at ${since}`;
}

function locked(bucket: Bucket, holder: Holder | undefined, { periodMs }: LeaseTimes): TurnbuildError {
  return new TurnbuildError(
    'PUBLISH_LOCKED',
    `${bucket.address} is locked by ${named(holder)}, and is still renewing the lock`,
    {
      hint: `Wait until it finishes. publish.jsonl of that run has the same identifier. The lock of a run that was killed expires after ${periodMs / 1000} s.`,
    },
  );
}
