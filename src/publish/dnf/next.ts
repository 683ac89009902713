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
import { type PackagePlace, POOL_FROM_BASE, poolAt, REPODATA, type RepositoryName } from './layout.ts';
import {
  contentText,
  type ListedRpm,
  listedRpms,
  type MetadataFile,
  metadataFiles,
  relocated,
  repomdOf,
  withPrimary,
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
  /** The folders with the metadata that it will have: in a folder of its state, and under its plain base. */
  folders: { state: string; plain: string };
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
  job: Job & { url: string },
): Promise<RepositoryChange | undefined> {
  const { change, store } = job;
  const work = join(job.work, name.target, name.architecture);
  const [old, merged] = [join(work, 'old'), join(work, 'new')];
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
  if (!isSame) await writeNext(parts, added, { job, work, into: merged });
  const from = isSame ? old : merged;
  const folders = { state: join(work, 'state'), plain: join(work, 'plain') };
  // An earlier version of turnbuild, or another URL, has other locations.
  const files = await relocateInto(folders.state, from, poolAt(job.url));
  const plain = await relocateInto(folders.plain, from, POOL_FROM_BASE);
  const packages = [...parts.flatMap(({ some }) => some), ...added];
  const state = stateOf({ name, files }, { sha256: sha256Bytes });
  const wanted = { content: contentText(files), signer: job.key.signer };
  const isStored = await isStateStored(state, wanted, { ...job, work });
  return {
    published,
    next: { name, files, plain, isStored },
    packages,
    folders: { state: join(folders.state, REPODATA), plain: join(folders.plain, REPODATA) },
  };
}

/**
 * Copies metadata into another folder, where they say that the packages are in another place.
 * @returns the files. One whose content stays has the same bytes.
 * @throws RPM_TOOL_FAILED
 */
async function relocateInto(to: string, from: string, place: PackagePlace): Promise<MetadataFile[]> {
  const repomd = await readText(join(from, REPODATA, 'repomd.xml'));
  const files = metadataFiles(repomd);
  const primary = files?.find(({ type }) => type === 'primary');
  if (files === undefined || primary === undefined)
    throw new TurnbuildError('RPM_TOOL_FAILED', 'createrepo_c wrote unexpected metadata', {
      hint: 'createrepo_c 0.17 to 1.1 are known to work.',
    });
  const before = gunzipSync(await readBytes(join(from, primary.path))).toString('utf8');
  const text = relocated(before, place);
  await makeFolder(join(to, REPODATA));
  for (const each of files)
    if (each !== primary || text === before) await copyInto(join(from, each.path), join(to, each.path));
  if (text === before) {
    await writeText(join(to, REPODATA, 'repomd.xml'), repomd);
    return files;
  }
  const bytes = gzipSync(text, { level: 9 });
  const sha256 = sha256Bytes(bytes);
  const path = `${REPODATA}/${sha256}-primary.xml.gz`;
  const next = { ...primary, path, size: bytes.length, sha256, content: sha256Bytes(text) };
  await writeText(join(to, path), bytes);
  await writeText(join(to, REPODATA, 'repomd.xml'), withPrimary(repomd, next, Buffer.byteLength(text)));
  return files.map((each) => (each === primary ? next : each));
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
    // Their places are written later, as those of the other packages.
    await describeFolder(exec, own, 'pool/', signal);
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
