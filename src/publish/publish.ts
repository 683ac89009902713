import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { exists, makeFolder, readText, remove, writeText } from '../io/files.ts';
import { lockFolder } from '../io/folder-lock.ts';
import type { GithubReleases } from '../io/github/releases.ts';
import { clearsign, readSecretKey } from '../io/gpg.ts';
import { dearmored } from '../io/gpgv.ts';
import { openJournal } from '../io/journal-file.ts';
import type { Store } from '../io/store.ts';
import { withWorkFolder } from '../io/work-folder.ts';
import { planAptJob } from './apt/index.ts';
import type { Change, Extent } from './change.ts';
import { extentIn, planCleaning, withExactAges } from './cleaning.ts';
import { withClientKeys } from './client-keys.ts';
import { planDnfJob } from './dnf/index.ts';
import { pooledRpms } from './dnf/signed.ts';
import { planGithubJob, rpmsOnGithub } from './github/index.ts';
import type { Job, PlannedJob } from './job.ts';
import { parseJournal, unfinishedRuns } from './journal.ts';
import { type PageFacts, withPage } from './page.ts';
import { performAll } from './perform.ts';
import {
  CHANNELS,
  type Channel,
  type Destination,
  isUpToDate,
  PLAN_SCHEMA,
  type PublishAction,
  type PublishPlan,
  requirePlanned,
} from './plan.ts';
import { recordJobs, withRecords } from './record.ts';
import { type SigningKey, suitableKey } from './signing-key.ts';
import { requireNotWithdrawn } from './withdrawn.ts';

/** Plans each kind of repository in a store. */
const PLANNERS: Readonly<Record<Exclude<Destination['to'], 'github'>, (job: Job) => Promise<PlannedJob>>> = {
  apt: planAptJob,
  dnf: planDnfJob,
};

/** What to change in a repository. */
export interface Publication extends Pick<Job, 'origin' | 'validFor' | 'url' | 'exec' | 'signal'> {
  /** Of the repositories for apt and dnf; undefined if neither is a destination. */
  store: Store | undefined;
  /** Undefined if GitHub is no destination. */
  github: GithubReleases | undefined;
  /** The cache folder, for temporary files. */
  cache: string;
  destinations: readonly Destination['to'][];
  /** What happens to each channel. */
  changes: readonly { channel: Channel; change: Change }[];
  /** The plan without its destinations. */
  head: Omit<PublishPlan, 'kind' | 'schema' | 'turnbuild' | 'destinations'>;
  /** The folder of the journal: that of a release, or of all results. */
  dir: string;
  /** Fingerprint of the primary key that signs; undefined: nothing is signed, which only GitHub allows. */
  fingerprint: string | undefined;
  /** Public keys that clients of the store trust as well, while keys are replaced; undefined: none. */
  extraKeys?: Uint8Array | undefined;
  /** turnbuild's version. */
  turnbuild: string;
  /** Makes the page for people. */
  renderPage: (facts: PageFacts) => string;
}

/** A plan, and what it was made from. */
export interface Planned {
  plan: PublishPlan;
  key: SigningKey | undefined;
  jobs: readonly PlannedJob[];
}

/** Name of the folders for temporary files, in the cache. */
const WORK = 'publish';

/** An earlier run was killed. `isThis`: it did the same as the one that begins. */
export interface Interruption {
  /** What it did. */
  interrupted: string;
  at: string;
  isThis: boolean;
}

/** What the user should know about the repository, as a sentence. */
export interface Note {
  note: string;
}

/** What a plan does, in words: `publish 4.18.0+turnbuild-1 (apt testing, dnf testing)`. */
function whatOf({ verb, releases, destinations }: PublishPlan): string {
  const places = destinations.map(({ to, channel }) => `${to} ${channel ?? 'files'}`);
  return `${[verb, ...releases].join(' ')} (${places.join(', ')})`;
}

/** Where a publication changes something, for the journal. */
function whereOf({ store, github }: Publication): string {
  return [store?.address, github?.address].filter((each) => each !== undefined).join(', ');
}

/** Name of the journal. */
export const JOURNAL = 'publish.jsonl';

/**
 * Makes a publication's plans and performs them. Temporary files are removed afterwards.
 * @param use receives the planner
 */
export async function withPlanner<T>(
  publication: Publication,
  use: (plan: () => Promise<Planned>) => Promise<T>,
): Promise<T> {
  return withWorkFolder(publication.cache, WORK, (work) => use(() => planPublication(publication, work)));
}

async function planPublication(publication: Publication, work: string): Promise<Planned> {
  const { turnbuild, head, store } = publication;
  if (head.verb !== 'withdraw' && store !== undefined) await requireNotWithdrawn(store, head.releases);
  const found = await planJobs(publication, publication.changes, work);
  const { key } = found;
  const jobs = await withRepositoryFiles(publication, found.jobs, work);
  if (head.keep !== undefined) {
    const channels = [...jobs];
    if (store === undefined || key === undefined) throw new Error('A store and a key are needed');
    for (const to of publication.destinations)
      if (to !== 'github')
        jobs.push(await planCleaning(to, channels, head.keep, { ...publication, store, key }));
  }
  const plan: PublishPlan = {
    kind: 'publish',
    schema: PLAN_SCHEMA,
    turnbuild,
    ...head,
    destinations: jobs.map(({ destination }) => ({
      ...destination,
      ...(destination.to !== 'github' && key?.extraKeys !== undefined
        ? { extraKeys: [...key.extraKeys] }
        : {}),
    })),
  };
  return { plan, key, jobs };
}

/** Adds to a plan what a repository has for people and for `turnbuild due`: the page, if the URL is known, and the record. */
async function withRepositoryFiles(
  publication: Publication,
  jobs: readonly PlannedJob[],
  work: string,
): Promise<PlannedJob[]> {
  const { store, changes } = publication;
  if (store === undefined) return [...jobs];
  const isStored = ({ destination }: PlannedJob) => destination.to !== 'github';
  const stored = await withRepositoryPage({ ...publication, store }, jobs.filter(isStored), work);
  return [...(await withRecords(stored, changes, store)), ...jobs.filter((job) => !isStored(job))];
}

async function withRepositoryPage(
  publication: Publication & { store: Store },
  jobs: readonly PlannedJob[],
  work: string,
): Promise<readonly PlannedJob[]> {
  const { store, url, fingerprint, changes, renderPage } = publication;
  if (url === undefined || fingerprint === undefined) return jobs;
  const isPlanned = (channel: Channel) => changes.some((each) => each.channel === channel);
  // A new page shows everything, also what this change does not concern.
  const planOthers = async () => {
    const extent = await extentIn(store);
    const change: Change = { verb: 'refresh', ...extent };
    const kinds = [
      ...(extent.suites.length > 0 ? (['apt'] as const) : []),
      ...(extent.targets.length > 0 ? (['dnf'] as const) : []),
    ];
    const others: PlannedJob[] = [];
    for (const to of kinds) {
      const isOther = (channel: Channel) => !publication.destinations.includes(to) || !isPlanned(channel);
      const own = CHANNELS.filter(isOther).map((channel) => ({ channel, change }));
      const planned = await planJobs({ ...publication, destinations: [to] }, own, join(work, 'page'));
      others.push(...planned.jobs);
    }
    return others;
  };
  return withPage(jobs, planOthers, {
    ...{ store, changes, url, fingerprint, render: renderPage, now: Date.now() },
  });
}

async function planJobs(
  publication: Omit<Publication, 'changes' | 'head'>,
  changes: Publication['changes'],
  work: string,
): Promise<{ key: SigningKey | undefined; jobs: PlannedJob[] }> {
  const { destinations, store, github } = publication;
  const now = Date.now();
  const own = await signingKey(publication, changes, now);
  const home = async () => {
    const dir = join(work, 'keys');
    await remove(dir);
    await makeFolder(dir);
    return dir;
  };
  const { key, notes } =
    own === undefined ? { key: own, notes: [] } : await withClientKeys(own, { ...publication, home });
  const keyring = join(work, 'keyring.gpg');
  if (key !== undefined) await writeText(keyring, dearmored(Buffer.from(key.clientKeys)));
  const jobs: PlannedJob[] = [];
  for (const to of destinations)
    for (const { channel, change } of changes) {
      const own = join(work, to, channel);
      await remove(own);
      await makeFolder(own);
      const common = { ...publication, channel, change, work: own, keyring, now };
      if (to !== 'github') {
        if (store === undefined || key === undefined) throw new Error(`${to} needs a store and a key`);
        const elsewhere =
          github === undefined || change.verb !== 'publish' ? [] : [rpmsOnGithub(github, change)];
        jobs.push(await withExactAges(await PLANNERS[to]({ ...common, store, key, elsewhere }), to, store));
        continue;
      }
      if (github === undefined) throw new Error('GitHub is not opened');
      // A release is in one channel only: it is withdrawn once.
      if (change.verb === 'withdraw' && jobs.some(({ destination }) => destination.to === to)) continue;
      const elsewhere = store === undefined ? [] : [pooledRpms(store)];
      jobs.push(await planGithubJob({ ...common, github, key, elsewhere }));
    }
  return {
    key,
    jobs: jobs.map((job, index) => (index > 0 ? job : { ...job, notes: [...notes, ...job.notes] })),
  };
}

/** The key that signs; undefined if nothing is signed. @throws the errors of suitableKey */
async function signingKey(
  { exec, signal, fingerprint, destinations }: Omit<Publication, 'changes' | 'head'>,
  changes: Publication['changes'],
  now: number,
): Promise<SigningKey | undefined> {
  if (fingerprint === undefined) return undefined;
  const listing = await readSecretKey(exec, fingerprint, signal);
  const hasRpms = changes.some(
    ({ change }) =>
      change.verb === 'publish' &&
      change.groups.some(({ files }) => files.some(({ path }) => path.endsWith('.rpm'))),
  );
  const forRpm = destinations.includes('dnf') || (destinations.includes('github') && hasRpms);
  return suitableKey(fingerprint, listing, { now, forRpm });
}

/**
 * The releases that a repository has: destination and channel -> releases, from the oldest to the newest.
 * @param extent everything that it may have
 */
export async function publishedReleases(
  publication: Omit<Publication, 'changes' | 'head'>,
  channels: readonly Channel[],
  extent: Extent,
): Promise<{ to: Destination['to']; channel: Channel; releases: readonly string[] }[]> {
  // It reads everything.
  const change: Change = { verb: 'refresh', ...extent };
  const changes = channels.map((channel) => ({ channel, change }));
  const { jobs } = await withWorkFolder(publication.cache, WORK, (work) =>
    planJobs(publication, changes, work),
  );
  return jobs.flatMap(({ destination: { to, channel }, releases }) =>
    channel === null ? [] : [{ to, channel, releases }],
  );
}

/**
 * Performs a plan: locks the journal's folder and the repository, requires that the plan still applies, and makes its changes.
 * @param plan makes the plan again
 * @param shown the plan that the user has seen
 * @param tell what is happening: an earlier run is finished, a change is made, or another run is waited for
 * @throws RELEASE_LOCKED, PUBLISH_LOCKED, PUBLISH_LOCK_LOST, PUBLISH_CONFLICT, PUBLISH_PLAN_STALE, INTERRUPTED, and the errors of its changes
 */
export async function performPlan(
  publication: Publication,
  plan: () => Promise<Planned>,
  shown: { plan: PublishPlan; digest: string; file: string | undefined },
  tell: (event: Interruption | PublishAction | Note) => void,
): Promise<void> {
  const { dir, store, exec, signal } = publication;
  const where = whereOf(publication);
  const releaseLock = await lockFolder(dir);
  try {
    const journal = await openJournal(join(dir, JOURNAL));
    try {
      const what = whatOf(shown.plan);
      for (const each of unfinishedRuns(parseJournal(journal.text), where))
        tell({ interrupted: each.what, at: each.at, isThis: each.what === what });
      const run = randomUUID();
      const repositoryLock = await store?.lock({ run, signal, tell: (note) => tell({ note }) });
      try {
        const { plan: now, jobs, key } = await plan();
        requirePlanned(shown.plan, now, shown.file);
        // Before anything changes: the key may need a passphrase, or be on a token that is not there.
        if (key !== undefined) await clearsign(exec, key.signer, 'test\n', signal);
        await requireWritable(publication, now);
        await journal.add({
          run,
          at: new Date().toISOString(),
          where,
          what,
          plan: shown.digest,
        });
        await recordJobs(jobs, publication.changes);
        await performAll(jobs, { run, record: journal.add, tell, signal });
      } finally {
        await repositoryLock?.release();
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

/** GitHub comes last: a token that may not write must be noticed before another destination is changed. */
async function requireWritable({ github, head }: Publication, { destinations }: PublishPlan): Promise<void> {
  const changed = destinations.filter((each) => !isUpToDate(each));
  const hasBoth = [true, false].every((own) => changed.some(({ to }) => (to === 'github') === own));
  if (hasBoth) await github?.requireWritable(head.releases[0] ?? '');
}

/** Whether a run was killed, and may have left something behind. */
export async function wasInterrupted(publication: Publication): Promise<boolean> {
  const file = join(publication.dir, JOURNAL);
  if (!(await exists(file))) return false;
  return unfinishedRuns(parseJournal(await readText(file)), whereOf(publication)).length > 0;
}
