import { TurnbuildError } from '../errors.ts';
import type { Content, Store } from '../io/store.ts';
import type { JournalRecord } from './journal.ts';
import type { Destination, PublishAction } from './plan.ts';

/** How to make a plan's changes. */
export interface Performance {
  store: Store;
  /** Identifies this run in the journal. */
  run: string;
  /** Adds a record to the journal. */
  record(record: JournalRecord): Promise<void>;
  /** The content of a file. Called just before it is stored. */
  contentOf(action: PublishAction): Promise<Content>;
  /** Called before each change. */
  tell(action: PublishAction): void;
  signal: AbortSignal;
}

/**
 * Makes a destination's changes in order. Each is in the journal before it is made. What is there already was planned as `reuse`, so a run
 * that was killed is finished by planning and performing again.
 * @throws PUBLISHED_DIFFERS if another run has taken a name meanwhile, INTERRUPTED
 */
export async function performDestination(
  { to, actions }: Destination,
  { store, run, record, contentOf, tell, signal }: Performance,
): Promise<void> {
  for (const action of actions) {
    if (action.do === 'reuse') continue;
    if (signal.aborted)
      throw new TurnbuildError('INTERRUPTED', 'Interrupted. Run the same command again to finish.');
    const { path } = action;
    const content = { ...(await contentOf(action)), sha256: action.sha256 };
    await record({ run, to, doing: action });
    tell(action);
    if (action.do !== 'create') await store.replace(path, content);
    else if (!(await store.create(path, content)) && (await store.describe(path))?.sha256 !== action.sha256)
      throw new TurnbuildError(
        'PUBLISHED_DIFFERS',
        `Another run has stored a different ${path} in ${store.address}`,
        {
          hint: 'Run the same command again.',
        },
      );
    await record({ run, to, did: path });
  }
}
