import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { TurnbuildError } from '../../errors.ts';
import {
  copyInto,
  makeFolder,
  readBytes,
  readText,
  setTime,
  sha256Bytes,
  writeText,
} from '../../io/files.ts';
import { releaseFile } from '../change.ts';
import type { Job } from '../job.ts';
import { missingFrom, newestReleases, ofRelease, upTo, without } from '../select.ts';
import { filteredMetadata } from './filter.ts';
import { POOL_FROM_BASE, REPODATA, type RepositoryName } from './layout.ts';
import {
  contentText,
  type ListedRpm,
  listedRpms,
  type MetadataFile,
  metadataFiles,
  repomdOf,
} from './metadata.ts';
import { type NewRpm, type NextRepository, type PublishedRepository, stateOf } from './plan.ts';
import { isStateStored, readRepository } from './read.ts';
import { SIGNED } from './signed.ts';
import { describeFolder, mergeMetadata } from './tools.ts';

/** A repository as it is and as it will be. */
export interface RepositoryChange {
  published: PublishedRepository;
  next: NextRepository;
  /** The packages that it will have. */
  packages: readonly ListedRpm[];
  /** The folder with the metadata that it will have. */
  repodata: string;
}

/** A folder with metadata, and the packages in it that count. */
interface Part {
  dir: string;
  all: PublishedRepository['packages'];
  some: PublishedRepository['packages'];
}

/**
 * Makes the metadata that a repository will have.
 * @param fresh signed packages of a release that is published
 * @returns undefined if there is no such repository, and there will be none
 * @throws the errors of readRepository; RPM_TOOLS_MISSING, RPM_TOOL_FAILED
 */
export async function changeRepository(
  name: RepositoryName,
  fresh: readonly NewRpm[],
  job: Job,
): Promise<RepositoryChange | undefined> {
  const { change, store } = job;
  const work = join(job.work, name.target, name.architecture);
  const [old, into] = [join(work, 'old'), join(work, 'new')];
  await makeFolder(work);
  const published = await readRepository(name, { ...job, work }, old);
  const parts: Part[] = [];
  const all = published.packages;
  let added: readonly NewRpm[] = [];
  if (change.verb === 'publish') {
    parts.push({ dir: old, all, some: all });
    added = missingFrom(
      all,
      fresh.filter(({ target, repository }) => target === name.target && repository === name.architecture),
      store.address,
    );
  } else if (change.verb === 'withdraw') parts.push({ dir: old, all, some: without(all, change.releases) });
  else if (change.verb === 'refresh') parts.push({ dir: old, all, some: all });
  else if (change.verb === 'gc') parts.push({ dir: old, all, some: newestReleases(all, change.keep) });
  else {
    const other = join(work, 'from');
    const from = await readRepository({ ...name, channel: change.from }, { ...job, work }, other);
    const some = upTo(all, change.release);
    parts.push({ dir: old, all, some });
    const taken = missingFrom(some, ofRelease(from.packages, change.release), store.address);
    if (taken.length > 0) parts.push({ dir: other, all: from.packages, some: taken });
  }
  const isSame =
    added.length === 0 && parts.length === 1 && parts.every((each) => each.some.length === each.all.length);
  if (published.files === undefined && isSame) return undefined;
  if (isSame) await copyInto(old, into);
  else await writeNext(parts, added, { job, work, into });
  const repodata = join(into, REPODATA);
  const files = metadataFiles(await readText(join(repodata, 'repomd.xml')));
  const packages = [...parts.flatMap(({ some }) => some), ...added];
  if (files !== undefined) {
    const state = stateOf({ name, files }, { sha256: sha256Bytes });
    const wanted = { content: contentText(files), signer: job.key.signer };
    const isStored = await isStateStored(state, wanted, { ...job, work });
    return { published, next: { name, files, isStored }, packages, repodata };
  }
  throw new TurnbuildError('RPM_TOOL_FAILED', 'createrepo_c wrote unexpected metadata', {
    hint: 'createrepo_c 0.17 to 1.1 are known to work.',
  });
}

async function writeNext(
  parts: readonly Part[],
  added: readonly NewRpm[],
  { job, work, into }: { job: Job; work: string; into: string },
): Promise<void> {
  const { exec, signal } = job;
  const from: string[] = [];
  for (const [index, { dir, all, some }] of parts.entries()) {
    if (all.length === 0) continue;
    const own = some.length === all.length ? dir : join(work, `part-${index}`);
    if (own !== dir) await selectInto(own, dir, new Set(some.map(({ sha256 }) => sha256)));
    from.push(own);
  }
  if (added.length > 0) {
    const own = join(work, 'fresh');
    await makeFolder(own);
    for (const { file, built } of added) {
      await copyInto(releaseFile(job.change, join(SIGNED, file)), join(own, file));
      // The metadata contain the file's time. The same packages must always have the same metadata.
      await setTime(join(own, file), built);
    }
    await describeFolder(exec, own, POOL_FROM_BASE, signal);
    from.push(own);
  }
  await mergeMetadata(exec, { from, into }, signal);
}

/** Writes the metadata of some packages of a folder into another one. */
async function selectInto(to: string, from: string, keep: ReadonlySet<string>): Promise<void> {
  const files = metadataFiles(await readText(join(from, REPODATA, 'repomd.xml'))) ?? [];
  const written: MetadataFile[] = [];
  for (const { type, path } of files) {
    const text = filteredMetadata(gunzipSync(await readBytes(join(from, path))).toString('utf8'), keep);
    const bytes = gzipSync(text);
    if (type === 'primary' && listedRpms(text)?.length !== keep.size)
      throw new Error(`${path} lacks packages`);
    await writeText(join(to, path), bytes);
    written.push({ type, path, size: bytes.length, sha256: sha256Bytes(bytes), content: sha256Bytes(text) });
  }
  await writeText(join(to, REPODATA, 'repomd.xml'), repomdOf(written));
}
