import { messageOf, TurnbuildError } from '../errors.ts';
import type { Content, Store } from '../io/store.ts';
import type { PlannedJob } from './job.ts';
import type { JournalRecord } from './journal.ts';
import type { PublishAction } from './plan.ts';
import { independentGroups, sideBySide } from './side-by-side.ts';

/** How to make a plan's changes. */
export interface Performance {
  /** Identifies this run in the journal. */
  run: string;
  /** Adds a record to the journal. */
  record(record: JournalRecord): Promise<void>;
  /** Called before each change. */
  tell(action: PublishAction): void;
  signal: AbortSignal;
}

/**
 * Makes a destination's changes in order, except that independent ones may be made side by side. Each is in the journal before it is made. What
 * is there already was planned as `reuse`, so a run that was killed is finished by planning and performing again.
 * @throws INTERRUPTED, and the errors of `apply`
 */
export async function performDestination(
  { destination: { to, actions }, apply, atOnce = 1 }: Pick<PlannedJob, 'destination' | 'apply' | 'atOnce'>,
  { run, record, tell, signal }: Performance,
): Promise<void> {
  const perform = async (action: PublishAction) => {
    if (signal.aborted)
      throw new TurnbuildError('INTERRUPTED', 'Interrupted. Run the same command again to finish.');
    await record({ run, to, doing: action });
    tell(action);
    await apply(action);
    await record({ run, to, did: action.path });
  };
  for (const group of independentGroups(actions.filter((action) => action.do !== 'reuse')))
    await sideBySide(group, atOnce, perform);
}

/**
 * Performs each job, also if another fails. Files that clients may need are deleted only if the jobs for the same kind of repository have
 * succeeded.
 * @throws the first error; its message names the other destinations that failed
 */
export async function performAll(jobs: readonly PlannedJob[], performance: Performance): Promise<void> {
  const errors: { to: string; error: unknown }[] = [];
  const part = (job: PlannedJob, isChosen: (action: PublishAction) => boolean) => ({
    ...job,
    destination: { ...job.destination, actions: job.destination.actions.filter(isChosen) },
  });
  for (const job of jobs) {
    const { to, channel } = job.destination;
    if (channel === null && errors.some((each) => each.to === to)) continue;
    const own = part(job, (action) => job.afterAll?.includes(action) !== true);
    await performDestination(own, performance).catch((error: unknown) => {
      if (performance.signal.aborted) throw error;
      errors.push({ to, error });
    });
  }
  const [first, ...others] = errors;
  if (first === undefined) {
    for (const job of jobs) {
      const last = part(job, (action) => job.afterAll?.includes(action) === true);
      // In order: what a record replaces is kept first.
      await performDestination({ ...last, atOnce: 1 }, performance);
    }
    return;
  }
  const { error } = first;
  if (others.length === 0 || !(error instanceof TurnbuildError)) throw error;
  const more = others.map((each) => `${each.to} failed as well: ${messageOf(each.error)}`);
  throw new TurnbuildError(error.code, [error.message, ...more].join('\n'), {
    cause: error,
    ...(error.hint === undefined ? {} : { hint: error.hint }),
  });
}

/**
 * Makes changes in a store.
 * @param contentOf the content of a file; called just before it is stored
 * @throws PUBLISHED_DIFFERS if another run has taken a name meanwhile
 */
export function storing(
  store: Store,
  contentOf: (action: PublishAction) => Promise<Content>,
): PlannedJob['apply'] {
  return async (action) => {
    const { path, sha256 } = action;
    if (action.do === 'delete') return store.remove(path);
    const content = { ...(await contentOf(action)), sha256 };
    if (action.do !== 'create') await store.replace(path, content);
    else if (!(await store.create(path, content)) && (await store.describe(path))?.sha256 !== sha256)
      throw new TurnbuildError(
        'PUBLISHED_DIFFERS',
        `Another run has stored a different ${path} in ${store.address}`,
        {
          hint: 'Run the same command again.',
        },
      );
  };
}

/** A job that also stores a file, after all jobs and if none has failed. */
export function storedLast(
  job: PlannedJob,
  action: PublishAction,
  bytes: Uint8Array,
  store: Store,
): PlannedJob {
  const { destination, afterAll = [], apply } = job;
  const own = storing(store, async () => ({ bytes }));
  return {
    ...job,
    destination: { ...destination, actions: [...destination.actions, action] },
    afterAll: [...afterAll, action],
    apply: (each) => (each.path === action.path ? own(each) : apply(each)),
  };
}
