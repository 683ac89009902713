import type { StoredFile } from '../../io/store.ts';
import { differs, onlyOnce, storeClientFile, storeNew } from '../actions.ts';
import type { Channel, Destination, PublishAction } from '../plan.ts';
import { baseFolder, mirrorListPath, poolPath, REPODATA, stateFolder } from './layout.ts';
import { contentText, type ListedRpm, type MetadataFile } from './metadata.ts';

/** A published repository of one architecture. */
export interface PublishedRepository {
  /** Rpm's name, or `source`. */
  architecture: string;
  /** Undefined: there is none. */
  files: readonly MetadataFile[] | undefined;
  packages: readonly ListedRpm[];
}

/** A repository as it will be: the published packages and the new ones. */
export interface NextRepository {
  architecture: string;
  files: readonly MetadataFile[];
}

/** A signed .rpm to publish. */
export interface NewRpm extends ListedRpm {
  /** Of the repository that it goes to. */
  repository: string;
  /** In bytes. */
  size: number;
  /** When it was built, in seconds since the epoch. */
  built: number;
}

/** All that the plan of dnf repositories depends on. */
export interface DnfFacts {
  where: string;
  channel: Channel;
  /** Fingerprint of the key. */
  key: string;
  published: readonly PublishedRepository[];
  next: readonly NextRepository[];
  packages: readonly NewRpm[];
  /** Files that clients copy: path relative to the repository -> content. */
  clientFiles: ReadonlyMap<string, Uint8Array>;
  /** What the repository has under the paths that the plan needs. */
  stored: ReadonlyMap<string, StoredFile | undefined>;
  sha256: (content: string | Uint8Array) => string;
}

/** The packages that a repository does not list yet. @throws PUBLISHED_DIFFERS if it lists another content of the same version */
export function missingRpms(
  { packages, architecture }: PublishedRepository,
  fresh: readonly NewRpm[],
  where: string,
): NewRpm[] {
  return fresh.filter((own) => {
    if (own.repository !== architecture) return false;
    const before = packages.find((each) => each.name === own.name && each.version === own.version);
    if (before === undefined) return true;
    if (before.sha256 === own.sha256) return false;
    throw differs(
      `${where} already has ${own.name} ${own.version} for ${architecture} with another content: sha256 ${before.sha256}; this release's is ${own.sha256}`,
    );
  });
}

/** The paths, relative to the whole repository, whose state the planner needs to know. */
export function neededPaths(facts: Omit<DnfFacts, 'stored'>): string[] {
  const metadata = facts.next.flatMap((each) =>
    basesOf(each, facts).flatMap((base) => each.files.map(({ path }) => `${base}/${path}`)),
  );
  return [
    ...new Set([
      ...facts.packages.map(({ file }) => poolPath(file)),
      ...metadata,
      ...facts.clientFiles.keys(),
    ]),
  ];
}

/** The two places of a repository's metadata: the plain base, and that of its state. */
function basesOf(
  next: NextRepository,
  { channel, sha256 }: Pick<DnfFacts, 'channel' | 'sha256'>,
): [string, string] {
  const content = sha256(contentText(next.files));
  return [stateFolder(channel, next.architecture, content), baseFolder(channel, next.architecture)];
}

/**
 * Plans how packages get into dnf repositories: first the packages, then the metadata of the new state in a folder of their own, then the
 * same under the plain base, and last the mirror list, which points to the new state. dnf sees either state. A client with a plain `baseurl`
 * can get repomd.xml and its signature from different states, and must try again.
 * @throws PUBLISHED_DIFFERS if a name is taken by another content
 */
export function planDnf(facts: DnfFacts): Destination {
  const { where, channel, key, sha256 } = facts;
  const pointers = facts.next.map((next) => {
    const before = facts.published.find(({ architecture }) => architecture === next.architecture)?.files;
    return {
      path: mirrorListPath(channel, next.architecture),
      before: before === undefined ? null : sha256(contentText(before)),
      after: sha256(contentText(next.files)),
    };
  });
  const changed = facts.next.filter((_, index) => pointers[index]?.before !== pointers[index]?.after);
  const bases = changed.map((next) => ({ next, bases: basesOf(next, facts) }));
  const metadata = (which: 0 | 1): PublishAction[] =>
    bases.flatMap(({ next, bases: both }) => {
      const base = both[which];
      return [
        ...next.files.map(({ path, size, sha256: digest }) =>
          storeNew(`${base}/${path}`, { size, sha256: digest }, facts),
        ),
        // Nothing points to a new state yet, so a killed run's files may be replaced.
        { do: 'replace' as const, path: `${base}/${REPODATA}/repomd.xml.asc` },
        { do: 'replace' as const, path: `${base}/${REPODATA}/repomd.xml` },
      ];
    });
  const actions: PublishAction[] = [
    ...facts.packages.map(({ file, size, sha256: digest }) =>
      storeNew(poolPath(file), { size, sha256: digest, file: `signed/${file}` }, facts),
    ),
    ...metadata(0),
    ...[...facts.clientFiles].map(([path, bytes]) => storeClientFile(path, bytes, facts)),
    ...metadata(1),
    ...changed.map(({ architecture }) => ({
      do: 'point' as const,
      path: mirrorListPath(channel, architecture),
    })),
  ];
  return { to: 'dnf', where, channel, key, pointers, actions: onlyOnce(actions) };
}
