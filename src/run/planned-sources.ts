import { messageOf, TurnbuildError } from '../errors.ts';
import type { PlanDocument } from '../plan/document.ts';
import type { ResolvedSource } from '../sources/fetch.ts';
import { checkLock, type SourceLock } from '../sources/lock.ts';
import { readLock } from '../sources/lock-file.ts';
import { fetchShown } from './fetch-shown.ts';
import type { CommonOptions } from './options.ts';
import type { Session } from './session.ts';

/**
 * A plan pins its sources. If a lock file of this machine pins the version too, they must agree.
 * @throws PLAN_DIFFERS
 */
export async function requireLocked(
  { locks }: Pick<Session, 'locks'>,
  { coturn, source }: PlanDocument,
): Promise<void> {
  for (const file of [locks.own, locks.beneath]) {
    const lock = file === undefined ? undefined : await readLock(file);
    if (lock?.sources[coturn.version] === undefined) continue;
    try {
      checkLock(lock, coturn.version, { ...source, epoch: coturn.epoch });
    } catch (error) {
      throw new TurnbuildError(
        'PLAN_DIFFERS',
        `The plan has other sources than this machine's lock file ${file}. ${messageOf(error)}`,
        {
          cause: error,
          hint: 'Find out which of them is correct. To run this plan, pass a lock file that matches it: --lock FILE',
        },
      );
    }
  }
}

/** Error codes for sources that differ from those of the plan. */
const OTHER_SOURCES = [
  ...['SOURCE_TREE_MISMATCH', 'SOURCE_TAG_MOVED', 'SOURCE_SHA256_MISMATCH', 'SOURCE_VERSION_MISMATCH'],
];

/** Fetches the sources of a plan from their original location or from --source. The plan pins them. */
export async function fetchPlanned(
  session: Session,
  { coturn, source }: PlanDocument,
): Promise<ResolvedSource> {
  const { provider, location, sha256, ...pin } = source;
  const byName = provider === 'github' || provider === 'debian';
  const options: CommonOptions = {
    ...session.options,
    source: session.options.source ?? (byName ? provider : location),
    // Decided when the plan was created.
    allowQuarantined: true,
  };
  const pinned = { ...pin, sha256s: byName ? { [provider]: sha256 } : {}, epoch: coturn.epoch };
  const lock: SourceLock = { schema: 1, sources: { [coturn.version]: pinned } };
  try {
    const found = await fetchShown({ ...session, options }, coturn.version, lock);
    // As planned, so that all parts of a release record the same source.
    return { ...found, ...source };
  } catch (error) {
    if (!(error instanceof TurnbuildError) || session.io.signal.aborted) throw error;
    const hint = 'Pass the sources that the plan was created with: --source FILE';
    if (OTHER_SOURCES.includes(error.code)) {
      const message = `These are not the sources of the plan. ${error.message}`;
      throw new TurnbuildError('PLAN_DIFFERS', message, { cause: error, hint });
    }
    if (byName || session.options.source !== undefined) throw error;
    // The plan may contain a path of another machine, or an address without its password.
    throw new TurnbuildError(error.code, error.message, { cause: error, hint });
  }
}
