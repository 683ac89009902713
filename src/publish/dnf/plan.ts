import type { StoredFile } from '../../io/store.ts';
import { onlyOnce, storeClientFile, storeNew, storePointed } from '../actions.ts';
import type { Channel, Destination, PublishAction } from '../plan.ts';
import {
  baseFolder,
  mirrorListPath,
  poolPath,
  REPODATA,
  type RepositoryName,
  stateFolder,
} from './layout.ts';
import { contentText, type ListedRpm, type MetadataFile } from './metadata.ts';

/** A published repository of one architecture. */
export interface PublishedRepository {
  name: RepositoryName;
  /** The text of its mirror list. Undefined: there is none. */
  list: string | undefined;
  /** Fingerprint of the key or subkey that signed its metadata. */
  signer: string | undefined;
  /** Undefined: there is none. */
  files: readonly MetadataFile[] | undefined;
  /** The metadata under the plain base, as its repomd.xml lists them, whoever signed it. Undefined: there are none, or they cannot be read. */
  plain: readonly MetadataFile[] | undefined;
  /** Fingerprint of the key or subkey that signed those; undefined also if the signature is bad or missing. */
  plainSigner: string | undefined;
  packages: readonly ListedRpm[];
}

/** A repository as it will be: the published packages and the new ones. */
export interface NextRepository {
  name: RepositoryName;
  files: readonly MetadataFile[];
  /** The metadata for the plain base. They differ only in where they say that the packages are. */
  plain: readonly MetadataFile[];
  /** The folder of this state is in the repository already, complete and signed by the key or subkey that signs now. */
  isStored: boolean;
}

/** A signed .rpm to publish. */
export interface NewRpm extends ListedRpm {
  /** The repository that it goes to. */
  target: string;
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
  /** Fingerprint of the primary key. */
  key: string;
  /** Fingerprint of the key or subkey that signs. */
  signer: string;
  /** URL under which clients reach the repository. */
  url: string;
  /** Each repository as it is and as it will be. */
  changes: readonly { published: PublishedRepository; next: NextRepository }[];
  packages: readonly NewRpm[];
  /** Files that clients copy: path relative to the repository -> content. */
  clientFiles: ReadonlyMap<string, Uint8Array>;
  /** What the repository has under the paths that the plan needs. */
  stored: ReadonlyMap<string, StoredFile | undefined>;
  sha256: (content: string | Uint8Array) => string;
}

/** The paths, relative to the whole repository, whose state the planner needs to know. */
export function neededPaths(facts: Omit<DnfFacts, 'stored'>): string[] {
  const metadata = facts.changes.flatMap(({ next }) => [
    ...next.files.map(({ path }) => `${stateOf(next, facts)}/${path}`),
    ...next.plain.map(({ path }) => `${baseFolder(next.name)}/${path}`),
  ]);
  const packages = facts.packages.map(({ file }) => poolPath(file));
  return [...new Set([...packages, ...metadata, ...facts.clientFiles.keys()])];
}

/** The folder of a repository's next state. */
export function stateOf(
  { name, files }: Pick<NextRepository, 'name' | 'files'>,
  { sha256 }: Pick<DnfFacts, 'sha256'>,
): string {
  return stateFolder(name, sha256(contentText(files)));
}

/**
 * The metadata that the plain base has after a change: those that are there, unless their content differs, or anything else than the key or
 * subkey that signs now has signed them.
 */
export function plainAfter(
  { published: { plain, plainSigner }, next }: DnfFacts['changes'][number],
  { signer }: Pick<DnfFacts, 'signer'>,
): readonly MetadataFile[] {
  const isIntact = plain !== undefined && contentText(plain) === contentText(next.plain);
  return isIntact && plainSigner === signer ? plain : next.plain;
}

/** The text of a repository's next mirror list. */
export function mirrorList(next: NextRepository, facts: Pick<DnfFacts, 'sha256' | 'url'>): string {
  return `${facts.url}/${stateOf(next, facts)}/\n`;
}

/**
 * Plans how packages get into dnf repositories: first the packages and the key, then the metadata of the new state in a folder of their own,
 * then the same under the plain base, and last the mirror list, which points to the new state. dnf sees either state. A client with a plain
 * `baseurl` can get repomd.xml and its signature from different states, and must try again. If only the key or subkey changes, the state that
 * clients use is signed again. So they must be able to get the key before that.
 * @throws PUBLISHED_DIFFERS if a name is taken by different content
 */
export function planDnf(facts: DnfFacts): Destination {
  const { where, channel, key, sha256 } = facts;
  const pointers = facts.changes.map(({ published: { files: before }, next }) => ({
    path: mirrorListPath(next.name),
    before: before === undefined ? null : sha256(contentText(before)),
    after: sha256(contentText(next.files)),
  }));
  const changed = facts.changes
    .filter(
      // The subkey that signed it may expire long before the one that signs now.
      ({ published }, index) =>
        pointers[index]?.before !== pointers[index]?.after || published.signer !== facts.signer,
    )
    .map(({ next }) => next);
  const plain = facts.changes
    .filter((each) => plainAfter(each, facts) !== each.published.plain)
    .map(({ next }) => next);
  const data = (base: string, files: readonly MetadataFile[]) =>
    files.map(({ path, size, sha256: digest }) =>
      storePointed(`${base}/${path}`, { size, sha256: digest }, facts),
    );
  const repomd = (base: string) =>
    ['repomd.xml.asc', 'repomd.xml'].map((file) => ({
      do: 'replace' as const,
      path: `${base}/${REPODATA}/${file}`,
    }));
  // The URL may have changed while the content has not.
  const pointing = facts.changes.filter(({ published, next }) => published.list !== mirrorList(next, facts));
  const actions: PublishAction[] = [
    ...facts.packages.map(({ file, size, sha256: digest }) =>
      storeNew(poolPath(file), { size, sha256: digest, file: `signed/${file}` }, facts),
    ),
    ...[...facts.clientFiles].map(([path, bytes]) => storeClientFile(path, bytes, facts)),
    ...changed.flatMap((next) => data(stateOf(next, facts), next.files)),
    // A state that was published once never changes, except that it can be signed again. If a run was killed, nothing points to its state yet.
    ...changed.flatMap((next) => (next.isStored ? [] : repomd(stateOf(next, facts)))),
    ...plain.flatMap((next) => data(baseFolder(next.name), next.plain)),
    ...plain.flatMap((next) => repomd(baseFolder(next.name))),
    ...pointing.map(({ next }) => ({ do: 'point' as const, path: mirrorListPath(next.name) })),
  ];
  return {
    to: 'dnf',
    where,
    channel,
    key,
    url: facts.url,
    origin: null,
    pointers,
    actions: onlyOnce(actions),
  };
}
