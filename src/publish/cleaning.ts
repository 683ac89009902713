import { messageOf, TurnbuildError } from '../errors.ts';
import type { Store } from '../io/store.ts';
import { APT } from './apt/garbage.ts';
import type { Extent } from './change.ts';
import { DNF } from './dnf/garbage.ts';
import { deletions, expiredMetadata, type Generation, overtaken, type RepositoryKind } from './garbage.ts';
import { type Job, NO_CLIENTS, type PlannedJob } from './job.ts';
import { storing } from './perform.ts';
import { CHANNELS, type KeepRules, type PublishAction, type StoredKind } from './plan.ts';
import { withdrawnReleases } from './withdrawn.ts';

const KINDS: Readonly<Record<StoredKind, RepositoryKind>> = { apt: APT, dnf: DNF };

/** Maximum bytes of an index. */
const MAX_INDEX = 64 * 1024 ** 2;

/**
 * Plans the deletion of everything in a kind of repository that clients no longer need.
 * @param to the kind
 * @param planned the plans of all its channels, which are performed first
 */
export async function planCleaning(
  to: StoredKind,
  planned: readonly PlannedJob[],
  keep: KeepRules,
  { store, key, url = null }: { store: Store; key: Job['key']; url?: string | null | undefined },
): Promise<PlannedJob> {
  const kind = KINDS[to];
  const reaches = planned.filter(({ destination }) => destination.to === to).map(({ reach }) => reach);
  const files = (await store.listAll(kind.root)).sort((a, b) => (a.path < b.path ? -1 : 1));
  const { expired, kept } = expiredMetadata(kind.series(files), files, reaches, keep);
  const listed = new Set(reaches.flatMap(({ packages }) => packages));
  for (const path of await packagesOf(kept, kind, store)) listed.add(path);
  const withdrawn = await withdrawnReleases(store);
  const actions = deletions({ files, expired, listed, withdrawn }, kind, keep);
  return {
    destination: {
      ...{ to, where: store.address, channel: null, key: key.fingerprint, url, origin: null },
      pointers: [],
      actions,
    },
    notes: [],
    releases: [],
    ...NO_CLIENTS,
    apply: storing(store, ({ path }) => Promise.reject(new Error(`${path} has no content`))),
  };
}

/**
 * Adds to a job that the metadata which it takes out of use are stored again first, if a run that was killed has stored others after them. Then
 * their age says until when clients were led to them.
 */
export async function withExactAges(job: PlannedJob, to: StoredKind, store: Store): Promise<PlannedJob> {
  const { destination, reach, apply } = job;
  const left = reach.before.filter((path) => !reach.after.includes(path));
  // A suite, or a target's repositories.
  const folders = new Set(left.map((path) => path.split('/').slice(0, 3).join('/')));
  const files = await Promise.all([...folders].map((folder) => store.listAll(folder)));
  const again = overtaken(KINDS[to].series(files.flat()), left).map(
    ({ path, size }): PublishAction => ({ do: 'replace', path, size }),
  );
  if (again.length === 0) return job;
  const storeAgain = storing(store, async ({ path }) => {
    const bytes = await store.read(path, MAX_INDEX);
    if (bytes === undefined) throw new Error(`${path} has no content`);
    return { bytes };
  });
  return {
    ...job,
    destination: { ...destination, actions: [...again, ...destination.actions] },
    apply: (action) => (again.includes(action) ? storeAgain(action) : apply(action)),
  };
}

/** The packages that metadata list. @throws INDEX_DAMAGED */
async function packagesOf(
  generations: readonly Generation[],
  { packagesIn }: RepositoryKind,
  store: Store,
): Promise<string[]> {
  const paths: string[] = [];
  for (const { index } of generations) {
    const bytes = index === undefined ? undefined : await store.read(index, MAX_INDEX);
    if (bytes === undefined) continue;
    try {
      paths.push(...packagesIn(bytes));
    } catch (error) {
      throw new TurnbuildError(
        'INDEX_DAMAGED',
        `${index} in ${store.address} cannot be read: ${messageOf(error)}`,
        {
          cause: error,
          hint: 'Without it, turnbuild cannot tell which packages clients still need. Restore the file from a backup, or delete it.',
        },
      );
    }
  }
  return paths;
}

/** Everything that a repository has, whether or not any recipe knows it. */
export async function extentIn(store: Store): Promise<Extent> {
  const suites = (await store.list('apt/dists')).map((name) => name.replace(/-testing$/, ''));
  const targets: string[] = [];
  for (const channel of CHANNELS) targets.push(...(await store.list(`dnf/${channel}`)));
  return { suites: [...new Set(suites)].sort(), targets: [...new Set(targets)].sort() };
}
