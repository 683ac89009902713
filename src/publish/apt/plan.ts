import { TurnbuildError } from '../../errors.ts';
import type { StoredFile } from '../../io/store.ts';
import { onlyOnce, storeClientFile, storeNew, storePointed } from '../actions.ts';
import type { Channel, Destination, PublishAction } from '../plan.ts';
import { missingFrom, newestReleases, ofRelease, upTo, without } from '../select.ts';
import { byHashPath, indexFolder, ROOT, releasePath, suiteFolder } from './layout.ts';
import { formatPackages, type IndexedPackage } from './packages-index.ts';
import { contentText, type ListedFile } from './release-file.ts';

/** A published suite. */
export interface PublishedSuite {
  /** E.g. `trixie-testing`. */
  suite: string;
  /** When its InRelease was written, in milliseconds since the epoch; undefined if there is none. */
  date: number | undefined;
  /** When its InRelease expires, in milliseconds since the epoch; undefined if never. */
  validUntil?: number | undefined;
  /** Who publishes it, by its InRelease. */
  origin: string | undefined;
  /** Fingerprint of the key or subkey that signed its InRelease. */
  signer: string | undefined;
  /** The uncompressed indices that it lists. */
  listed: readonly ListedFile[];
  /** Its compressed indices, under the names that never change their content: paths relative to the repository. */
  byHash: readonly string[];
  /** The packages in it: Debian's name of an architecture -> packages. */
  packages: ReadonlyMap<string, readonly IndexedPackage[]>;
}

/** A suite, and the packages that it will have. */
export interface SuiteChange {
  published: PublishedSuite;
  /** Debian's name of an architecture -> packages. */
  next: ReadonlyMap<string, readonly IndexedPackage[]>;
}

/** A .deb to publish. */
export interface NewPackage {
  /** The suite that it goes to. */
  suite: string;
  /** Its name in the release's folder. */
  file: string;
  /** As `apt-ftparchive packages` describes it. */
  indexed: IndexedPackage;
}

/** All that an apt repository's plan depends on. */
export interface AptFacts {
  where: string;
  channel: Channel;
  /** Fingerprint of the primary key. */
  key: string;
  /** Fingerprint of the key or subkey that signs. */
  signer: string;
  url: string | undefined;
  origin: string | undefined;
  /** Days for which an InRelease is valid; undefined: for ever. */
  validFor?: number | undefined;
  suites: readonly SuiteChange[];
  /** The suites as they will be, in the same order. */
  next: readonly NextSuite[];
  /** Packages to store. */
  packages: readonly NewPackage[];
  /** Files that clients copy: path relative to the repository -> content. */
  clientFiles: ReadonlyMap<string, Uint8Array>;
  /** What the repository has under the paths that the plan needs. */
  stored: ReadonlyMap<string, StoredFile | undefined>;
  /** Milliseconds since the epoch. */
  now: number;
  sha256: (content: string | Uint8Array) => string;
}

/** A suite as it will be. */
export interface NextSuite {
  suite: string;
  /** Debian's names. */
  architectures: string[];
  /** Contents by path, relative to the suite's folder. Release lists all of them, but only the compressed ones are stored. */
  indices: Map<string, Uint8Array>;
}

/** The plan of an apt repository, with the contents that it needs. */
export interface AptPlan {
  destination: Destination;
  /** Suites that get a new InRelease. */
  suites: NextSuite[];
  /** Contents of indices and client files: path relative to the repository -> bytes. */
  contents: ReadonlyMap<string, Uint8Array>;
}

/** The paths, relative to the repository, whose state the planner needs to know. */
export function neededPaths(facts: Omit<AptFacts, 'stored'>): string[] {
  const paths = facts.next.flatMap((suite) => indexFiles(suite, facts).map(({ byHash }) => byHash));
  const packages = facts.packages.map(({ indexed }) => `${ROOT}/${indexed.path}`);
  return [...new Set([...packages, ...paths, ...facts.clientFiles.keys()])];
}

/**
 * Plans how packages get into an apt repository: first the packages, then indices under names that never change, then the indices' usual
 * names, and InRelease last, so that a client always finds what an InRelease lists.
 * @throws PUBLISHED_DIFFERS if a name is taken by different content, CLOCK_WRONG
 */
export function planApt(facts: AptFacts): AptPlan {
  for (const { published } of facts.suites) requireLater(published, facts.now);
  const { next } = facts;
  const pointers = facts.suites.map(({ published }, index) => ({
    path: releasePath(published.suite),
    before: published.date === undefined ? null : facts.sha256(contentText(published.listed)),
    after: facts.sha256(contentText(listedIn(next[index] as NextSuite, facts))),
  }));
  const isChanged = (index: number) => pointers[index]?.before !== pointers[index]?.after;
  // The subkey that signed it may expire long before the one that signs now.
  const signed = next.filter(
    (_, index) =>
      isChanged(index) ||
      facts.suites[index]?.published.signer !== facts.signer ||
      isAgeing(facts.suites[index]?.published, facts),
  );
  // InRelease lists compressed files, too, and another version of the compressor makes others.
  const published = new Set(facts.suites.flatMap((suite) => suite.published.byHash));
  const files = next
    .map((suite, index) => ({ all: indexFiles(suite, facts), isChanged: isChanged(index), suite }))
    .filter(({ all, ...each }) => each.isChanged || all.some(({ byHash }) => !published.has(byHash)))
    .filter(({ suite }) => signed.includes(suite))
    .map(({ all }) => all);
  const actions: PublishAction[] = [
    ...facts.packages.map(({ file, indexed }) =>
      storeNew(`${ROOT}/${indexed.path}`, { ...indexed, file }, facts),
    ),
    ...files.flat().map(({ byHash, size, sha256 }) => storePointed(byHash, { size, sha256 }, facts)),
    ...[...facts.clientFiles].map(([path, bytes]) => storeClientFile(path, bytes, facts)),
    ...files.flat().map(({ path, size, sha256 }) => ({ do: 'replace' as const, path, size, sha256 })),
    ...signed.map(({ suite }) => ({ do: 'point' as const, path: releasePath(suite) })),
  ];
  const { where, channel, key, url = null, origin = null, validFor } = facts;
  const indices = files
    .flat()
    .flatMap(({ path, byHash, bytes }) => [[path, bytes] as const, [byHash, bytes] as const]);
  return {
    destination: {
      ...{ to: 'apt', where, channel, key, url, origin },
      ...(validFor === undefined ? {} : { validFor }),
      pointers,
      actions: onlyOnce(actions),
    },
    suites: signed,
    contents: new Map([...indices, ...facts.clientFiles]),
  };
}

/** A suite with its indices, as text and compressed. */
export function nextSuite(
  { published, next }: SuiteChange,
  compress: (text: string) => Uint8Array,
): NextSuite {
  const architectures = [...next.keys()].sort();
  const indices = new Map<string, Uint8Array>();
  for (const architecture of architectures) {
    const text = formatPackages(next.get(architecture) ?? []);
    indices.set(`${indexFolder(architecture)}/Packages`, Buffer.from(text));
    indices.set(`${indexFolder(architecture)}/Packages.gz`, compress(text));
  }
  return { suite: published.suite, architectures, indices };
}

/**
 * A suite with new packages. A published paragraph stays: another version of apt-ftparchive may write it differently.
 * @throws PUBLISHED_DIFFERS if the suite has different content of the same version
 */
export function withPackages(
  published: PublishedSuite,
  fresh: readonly IndexedPackage[],
  where: string,
): SuiteChange {
  const architectures = [...published.packages.keys(), ...fresh.map(({ architecture }) => architecture)];
  const next = new Map<string, IndexedPackage[]>();
  for (const architecture of new Set(architectures)) {
    const old = published.packages.get(architecture) ?? [];
    const own = fresh.filter((each) => each.architecture === architecture);
    next.set(architecture, [...old, ...missingFrom(old, own, where)]);
  }
  return { published, next };
}

/** A suite in which a release is the newest one. @param from the suite that has its packages */
export function withPromoted(
  published: PublishedSuite,
  from: PublishedSuite,
  release: string,
  where: string,
): SuiteChange {
  const kept = selecting(published, (packages) => upTo(packages, release)).next;
  const added = [...from.packages.values()].flatMap((packages) => ofRelease(packages, release));
  return { ...withPackages({ ...published, packages: kept }, added, where), published };
}

/** A suite with only the newest releases of each architecture. */
export function withNewest(published: PublishedSuite, count: number): SuiteChange {
  return selecting(published, (packages) => newestReleases(packages, count));
}

/** A suite without some releases. */
export function withoutReleases(published: PublishedSuite, releases: readonly string[]): SuiteChange {
  return selecting(published, (packages) => without(packages, releases));
}

function selecting(
  published: PublishedSuite,
  select: (packages: readonly IndexedPackage[]) => IndexedPackage[],
): SuiteChange {
  return {
    published,
    next: new Map([...published.packages].map(([name, packages]) => [name, select(packages)])),
  };
}

/** The uncompressed indices of a suite, as its InRelease lists them. */
function listedIn({ indices }: NextSuite, { sha256 }: Pick<AptFacts, 'sha256'>): ListedFile[] {
  return [...indices]
    .filter(([path]) => path.endsWith('/Packages'))
    .map(([path, bytes]) => ({ path, size: bytes.length, sha256: sha256(bytes) }));
}

/** The files that clients download. They would not use the uncompressed ones, which would be most of the bytes of a publication. */
function indexFiles({ suite, indices }: NextSuite, { sha256 }: Pick<AptFacts, 'sha256'>) {
  const compressed = [...indices].filter(([name]) => name.endsWith('.gz'));
  return compressed.map(([name, bytes]) => {
    const path = `${suiteFolder(suite)}/${name}`;
    const digest = sha256(bytes);
    return {
      path,
      size: bytes.length,
      sha256: digest,
      byHash: byHashPath(path.slice(0, path.lastIndexOf('/')), digest),
      bytes,
    };
  });
}

const DAY_MS = 24 * 60 * 60 * 1000;

/** Whether a suite must be signed again because of its date: less than half of its time remains, or it has another one than it should. */
function isAgeing(
  published: PublishedSuite | undefined,
  { validFor, now }: Pick<AptFacts, 'validFor' | 'now'>,
): boolean {
  if (validFor === undefined) return false;
  const remaining = (published?.validUntil ?? Number.POSITIVE_INFINITY) - now;
  return remaining < (validFor * DAY_MS) / 2 || remaining > validFor * DAY_MS;
}

/** Suites that expire within this time are warned about. */
const WARN_MS = 7 * DAY_MS;

/** What to tell the user about suites that expire soon, and that the plan does not sign. */
export function expiryNotes(
  suites: readonly { suite: string; validUntil?: number | undefined }[],
  now: number,
): string[] {
  return suites.flatMap(({ suite, validUntil = Number.POSITIVE_INFINITY }) => {
    if (validUntil - now > WARN_MS) return [];
    const day = new Date(validUntil).toISOString().slice(0, 10);
    const what =
      validUntil <= now ? `expired on ${day}. apt refuses it` : `expires on ${day}. Then apt refuses it`;
    return [`${suite} ${what}. Sign it again: turnbuild refresh, with --valid-for`];
  });
}

function requireLater({ suite, date = 0 }: PublishedSuite, now: number): void {
  if (now >= date) return;
  const text = (time: number) => new Date(time).toISOString();
  throw new TurnbuildError(
    'CLOCK_WRONG',
    `This machine's clock says ${text(now)}, but ${suite} was published at ${text(date)}`,
    { hint: 'Set the clock. Clients refuse an index that is dated before the one they have.' },
  );
}
