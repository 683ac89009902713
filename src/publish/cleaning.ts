import { messageOf, TurnbuildError } from '../errors.ts';
import type { Store } from '../io/store.ts';
import { APT } from './apt/garbage.ts';
import type { Extent } from './change.ts';
import { DNF } from './dnf/garbage.ts';
import { deletions, expiredMetadata, type Generation, type RepositoryKind } from './garbage.ts';
import { type Job, NO_CLIENTS, type PlannedJob } from './job.ts';
import { storing } from './perform.ts';
import { CHANNELS, type KeepRules, type StoredKind } from './plan.ts';
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
