import { randomUUID } from 'node:crypto';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { exists, readText, remove, writeText } from '../io/files.ts';
import { lockFolder } from '../io/folder-lock.ts';
import { readSecretKey } from '../io/gpg.ts';
import { dearmored } from '../io/gpgv.ts';
import { openJournal } from '../io/journal-file.ts';
import { planAptJob } from './apt/index.ts';
import { planDnfJob } from './dnf/index.ts';
import type { Job, PlannedJob } from './job.ts';
import { interruptedRun, parseJournal } from './journal.ts';
import { performDestination } from './perform.ts';
import {
  type Destination,
  PLAN_SCHEMA,
  type PublishAction,
  type PublishPlan,
  requirePlanned,
} from './plan.ts';
import { type SigningKey, suitableKey } from './signing-key.ts';

/** Plans each kind of destination. */
const PLANNERS: Readonly<Record<Destination['to'], (job: Job) => Promise<PlannedJob>>> = {
  apt: planAptJob,
  dnf: planDnfJob,
};

/** What to publish, and where. */
export interface Publication extends Omit<Job, 'key' | 'work' | 'keyring' | 'now'> {
  destinations: readonly Destination['to'][];
  release: PublishPlan['release'];
  /** Fingerprint of the primary key that signs. */
  fingerprint: string;
  /** turnbuild's version. */
  turnbuild: string;
}

/** A plan, and what it was made from. */
export interface Planned {
  plan: PublishPlan;
  key: SigningKey;
  jobs: readonly PlannedJob[];
}

/** Name of the journal in a release's folder. */
export const JOURNAL = 'publish.jsonl';

/**
 * Makes a publication's plans and performs them. Temporary files are removed afterwards.
 * @param use receives the planner
 */
export async function withPlanner<T>(
  publication: Publication,
  use: (plan: () => Promise<Planned>) => Promise<T>,
): Promise<T> {
  const work = await mkdtemp(join(tmpdir(), 'turnbuild-publish-'));
  try {
    return await use(() => planPublication(publication, work));
  } finally {
    await remove(work);
  }
}

async function planPublication(publication: Publication, work: string): Promise<Planned> {
  const { exec, signal, fingerprint, turnbuild, release, destinations } = publication;
  const now = Date.now();
  const listing = await readSecretKey(exec, fingerprint, signal);
  const key = suitableKey(fingerprint, listing, { now, forRpm: destinations.includes('dnf') });
  const keyring = join(work, 'keyring.gpg');
  await writeText(keyring, dearmored(Buffer.from(key.armored)));
  const job = { ...publication, key, work, keyring, now };
  const jobs: PlannedJob[] = [];
  for (const to of destinations) jobs.push(await PLANNERS[to](job));
  const plan: PublishPlan = {
    kind: 'publish',
    schema: PLAN_SCHEMA,
    turnbuild,
    release,
    destinations: jobs.map(({ destination }) => destination),
  };
  return { plan, key, jobs };
}

/**
 * Performs a plan: locks the release and the repository, requires that the plan still applies, and makes its changes.
 * @param plan makes the plan again
 * @param shown the plan that the user has seen
 * @param tell what is happening: an earlier run is finished, or a change is made
 * @throws RELEASE_LOCKED, PUBLISH_LOCKED, PUBLISH_PLAN_STALE, INTERRUPTED, and the errors of its changes
 */
export async function performPlan(
  { dir, store, signal }: Publication,
  plan: () => Promise<Planned>,
  shown: { plan: PublishPlan; digest: string; name: string },
  tell: (event: { interrupted: string } | PublishAction) => void,
): Promise<void> {
  const releaseLock = await lockFolder(dir);
  try {
    const journal = await openJournal(join(dir, JOURNAL));
    try {
      const before = interruptedRun(parseJournal(journal.text));
      if (before !== undefined) tell({ interrupted: before.at });
      const run = randomUUID();
      const repositoryLock = await store.lock();
      try {
        const { plan: now, jobs } = await plan();
        requirePlanned(shown.plan, now, shown.name);
        await journal.add({ run, at: new Date().toISOString(), plan: shown.digest });
        const record = journal.add;
        for (const { destination, contentOf } of jobs)
          await performDestination(destination, { store, run, record, contentOf, tell, signal });
      } finally {
        await repositoryLock.release();
      }
      // Not before the lock is gone: until then, a run that was killed has left something behind.
      await journal.add({ run, at: new Date().toISOString(), finished: true });
    } finally {
      await journal.close();
    }
  } finally {
    await releaseLock.release();
  }
}

/** Whether the last run was killed, and may have left something behind. */
export async function wasInterrupted(dir: string): Promise<boolean> {
  const file = join(dir, JOURNAL);
  if (!(await exists(file))) return false;
  return interruptedRun(parseJournal(await readText(file))) !== undefined;
}
