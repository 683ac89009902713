import type { StoredName } from '../io/store.ts';
import type { Reach } from './job.ts';
import type { KeepRules, PublishAction } from './plan.ts';

const DAY_MS = 24 * 60 * 60 * 1000;
/** A request of a run that has lost its lock, to lead clients to what it has stored, arrives within this time if at all. */
const LATE_MS = 60 * 60 * 1000;

/** Metadata of one place in a repository. Clients are led to one generation at a time. */
export interface Series {
  /** Path of the file that leads clients to them. */
  pointer: string;
  generations: readonly Generation[];
}

/** Files of metadata that belong together. */
export interface Generation {
  /** A file, or a folder with a slash at the end. */
  path: string;
  files: readonly StoredName[];
  /** The file that lists packages, if it is there. */
  index: string | undefined;
}

/** What a kind of repository consists of. All functions are pure. Files that turnbuild would not write belong to nothing. */
export interface RepositoryKind {
  /** Its folder. */
  root: string;
  series(files: readonly StoredName[]): Series[];
  /** The release of a package's file; undefined for any other file. */
  packageOf(path: string): string | undefined;
  /** The packages that an index lists: paths relative to the repository. @throws if it is damaged */
  packagesIn(index: Uint8Array): string[];
}

/** Files in groups, in the order of their first file. @param keyOf undefined: the file is in no group */
export function grouped<F>(files: readonly F[], keyOf: (file: F) => string | undefined): [string, F[]][] {
  const groups = new Map<string, F[]>();
  for (const file of files) {
    const key = keyOf(file);
    if (key !== undefined) groups.set(key, [...(groups.get(key) ?? []), file]);
  }
  return [...groups];
}

/**
 * Divides metadata into those that may be deleted, and those that clients may still use.
 * @param files everything in the repository
 * @param reaches what the channels lead to, before and after the plan
 */
export function expiredMetadata(
  series: readonly Series[],
  files: readonly StoredName[],
  reaches: readonly Pick<Reach, 'before' | 'after'>[],
  { at, days }: Pick<KeepRules, 'at' | 'days'>,
): { expired: Generation[]; kept: Generation[] } {
  const modified = new Map(files.map((file) => [file.path, file.modified]));
  const [before, after] = [
    new Set(reaches.flatMap((reach) => reach.before)),
    new Set(reaches.flatMap((reach) => reach.after)),
  ];
  /** Whether a run may still be about to lead clients to metadata. */
  const mayFollow = (generation: Generation, { generations }: Series) => {
    const used = generations.filter(({ path }) => before.has(path)).map(storedAt);
    return storedAt(generation) > Math.max(...used, Date.parse(at) - LATE_MS);
  };
  const isExpired = (generation: Generation, all: Series) => {
    const pointed = modified.get(all.pointer);
    // Without the file that leads to them, it is unknown which ones count: it may have been lost, or not be there yet.
    if (pointed === undefined || after.has(generation.path) || mayFollow(generation, all)) return false;
    const since = before.has(generation.path) ? Date.parse(at) : unusedSince(generation, all, pointed);
    return since <= cutoff({ at, days });
  };
  const all = series.flatMap((each) =>
    each.generations.map((generation) => ({ generation, isExpired: isExpired(generation, each) })),
  );
  const those = (expired: boolean) =>
    all.filter((each) => each.isExpired === expired).map(({ generation }) => generation);
  return { expired: those(true), kept: those(false) };
}

/**
 * Metadata that are taken out of use although others were stored after them, which nothing has led to: a run was killed. By the age of those
 * others, they would have been out of use for a long time. So they have to be stored again just before.
 * @param left the metadata that are taken out of use
 * @returns a file of each
 */
export function overtaken(series: readonly Series[], left: readonly string[]): StoredName[] {
  return series.flatMap(({ generations }) => {
    const newest = Math.max(...generations.map(storedAt));
    const old = generations.filter((each) => left.includes(each.path) && storedAt(each) < newest);
    return old.flatMap(({ files, index }) => files.find(({ path }) => path === index) ?? files.slice(0, 1));
  });
}

const cutoff = ({ at, days }: Pick<KeepRules, 'at' | 'days'>) => Date.parse(at) - days * DAY_MS;
const storedAt = ({ files }: Generation) => Math.max(...files.map(({ modified }) => modified));

/**
 * The latest time at which clients were led to metadata that nothing leads to now, in milliseconds since the epoch. Metadata are stored, or
 * stored again, just before clients are led to them. So others have taken their place when the next ones were stored.
 * @param pointed when the file that leads to metadata was last stored
 */
function unusedSince(generation: Generation, { generations }: Series, pointed: number): number {
  const stored = storedAt(generation);
  const later = generations.map(storedAt).filter((time) => time > stored);
  return later.length > 0 ? Math.min(...later) : Math.max(stored, pointed);
}

/**
 * Plans what to delete: expired metadata, and then packages that no metadata list.
 * @param listed the packages that channels will list, and those that kept metadata list
 * @param withdrawn releases
 */
export function deletions(
  {
    files,
    expired,
    listed,
    withdrawn,
  }: {
    files: readonly StoredName[];
    expired: readonly Generation[];
    listed: ReadonlySet<string>;
    withdrawn: readonly string[];
  },
  { packageOf }: Pick<RepositoryKind, 'packageOf'>,
  keep: KeepRules,
): PublishAction[] {
  const isUnused = ({ path, modified }: StoredName) => {
    const release = packageOf(path);
    if (release === undefined || listed.has(path)) return false;
    if (withdrawn.includes(release) && !keep.withdrawn) return false;
    // A run that was interrupted may have stored it.
    return modified <= cutoff(keep);
  };
  return [...expired.flatMap((generation) => generation.files), ...files.filter(isUnused)].map(
    ({ path, size }) => ({ do: 'delete', path, size }),
  );
}
