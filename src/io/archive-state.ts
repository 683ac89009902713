import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf, TurnbuildError } from '../errors.ts';
import type { ArchiveSuite } from '../plan/archives.ts';
import { releaseDate, repositoryDate, requireNotOlder, shownDate } from './archive-age.ts';
import { download } from './download.ts';
import { exists, makeFolder, moveInto, remove, sha256Text } from './files.ts';
import { temporaryName } from './leftovers.ts';

/** Which packages an archive has at the moment. */
export interface ArchiveState {
  /** The same while the suites have the same packages, whenever and from whichever mirror they are read. Lower-case hex. */
  id: string;
  /** The suites with the dates of their last change, as the archive gives them. */
  suites: string[];
  /** Why the archive could not be asked; the state is then the last known one. */
  unreachable?: string;
  /** SHA-256 of the repomd.xml of each repository of rpms, in their order. */
  metadata?: string[];
}

export interface ArchiveQuery {
  /** Folder that keeps what the archive said last. */
  cacheDir: string;
  signal?: AbortSignal;
  /** Tries after the first one, for each suite. */
  retries?: number;
  /** Now, in milliseconds since 1970; for tests. */
  now?: number;
}

/**
 * Asks the archive which packages its suites have, by the hashes of their Packages files in InRelease. It is only a mark
 * of what a toolchain was installed from: apt itself checks the signatures.
 * @throws DOWNLOAD_FAILED if the archive can't be reached and never was before; ARCHIVE_OLD, ARCHIVE_DATE
 */
export async function readArchiveState(
  suites: readonly ArchiveSuite[],
  query: ArchiveQuery,
): Promise<ArchiveState> {
  await makeFolder(query.cacheDir);
  const urls = suites.map(({ mirror, suite }) => `${mirror}/dists/${suite}/InRelease`);
  const answers = await allOf(
    urls.map((url, index) => lastAnswer(url, suites[index]?.suite ?? url, releaseDate, query)),
  );
  return {
    id: sha256Text(
      answers.map(({ text }, index) => packagesOf(text, suites[index]?.components ?? [])).join('\n'),
    ),
    suites: answers.map(({ text }, index) => `${suites[index]?.suite} of ${dateOf(text)}`),
    ...unreachableOf(answers),
  };
}

/**
 * As `readArchiveState`, for repositories of rpms: their repomd.xml has the hashes of all lists.
 * @param addresses of repositories: the folders that `repodata` is in
 */
export async function readRepositoryState(
  addresses: readonly string[],
  query: ArchiveQuery,
): Promise<ArchiveState> {
  await makeFolder(query.cacheDir);
  const names = addresses.map(nameOf);
  const answers = await allOf(
    addresses.map((address, index) =>
      lastAnswer(`${address}/repodata/repomd.xml`, names[index] ?? address, repositoryDate, query),
    ),
  );
  return {
    id: sha256Text(answers.map(({ text }) => listsOf(text)).join('\n')),
    suites: answers.map(({ text }, index) => {
      const date = repositoryDate(text);
      const shown = date === undefined ? 'unknown date' : shownDate(date);
      return `${names[index]} of revision ${revisionOf(text)} (${shown})`;
    }),
    metadata: answers.map(({ text }) => sha256Text(text)),
    ...unreachableOf(answers),
  };
}

/** As `Promise.all`, but waits for all of them if one fails: none is left behind for whoever asks next. */
async function allOf<T>(asked: readonly Promise<T>[]): Promise<T[]> {
  await Promise.allSettled(asked);
  return Promise.all(asked);
}

interface Answer {
  text: string;
  /** Why it is an old one. */
  unreachable?: string;
}

function unreachableOf(answers: readonly Answer[]): Pick<ArchiveState, 'unreachable'> {
  const unreachable = answers.find((answer) => answer.unreachable !== undefined)?.unreachable;
  return unreachable === undefined ? {} : { unreachable };
}

/** Questions that wait for their answer, by address: two targets of one archive may ask at once. */
const waiting = new Map<string, Promise<Answer>>();

async function lastAnswer(...question: Parameters<typeof askArchive>): Promise<Answer> {
  const key = `${question[3].cacheDir} ${question[0]}`;
  const answer = waiting.get(key) ?? askArchive(...question).finally(() => waiting.delete(key));
  waiting.set(key, answer);
  return answer;
}

/** What an archive says of itself, or said when it could last be reached. The newest that it has said is kept. */
async function askArchive(
  url: string,
  name: string,
  dateIn: (text: string) => number | undefined,
  { cacheDir, signal, retries = 1, now = Date.now() }: ArchiveQuery,
): Promise<Answer> {
  const file = join(cacheDir, `${sha256Text(withoutSlashes(url)).slice(0, 12)}-state`);
  // Two releases may ask at once.
  const temporary = temporaryName(file);
  try {
    await download({ url, file: temporary, retries, ...(signal === undefined ? {} : { signal }) });
    const text = await readFile(temporary, 'utf8');
    const offered = dateIn(text);
    const newest = (await exists(file)) ? dateIn(await readFile(file, 'utf8')) : undefined;
    requireNotOlder({ name, offered, newest, now });
    // A little older one may be used, but is not what the next one is compared with.
    if (newest === undefined || (offered ?? 0) >= newest) await moveInto(temporary, file);
    return { text };
  } catch (error) {
    if (signal?.aborted === true || !isUnreachable(error) || !(await exists(file))) throw error;
    return { text: await readFile(file, 'utf8'), unreachable: messageOf(error) };
  } finally {
    await remove(temporary);
  }
}

/** Errors that say nothing of an archive but that it can't be reached. */
const UNREACHABLE = ['DOWNLOAD_FAILED', 'PROXY_FAILED'];

function isUnreachable(error: unknown): boolean {
  return error instanceof TurnbuildError && UNREACHABLE.includes(error.code);
}

/** The hashes of a suite's lists of packages: its date changes several times a day, and these only with a package. */
function packagesOf(release: string, components: readonly string[]): string {
  const all = [...release.matchAll(/^ ([0-9a-f]{64}) +\d+ ((\S+)\/binary-[^/\s]+\/Packages)$/gm)];
  const rows = all.filter(([, , , component = '']) => components.includes(component));
  return rows.length === 0 ? release : rows.map(([, hash, path]) => `${path} ${hash}`).join('\n');
}

function dateOf(release: string): string {
  return /^Date: *(.*)$/m.exec(release)?.[1]?.trim() ?? 'an unknown date';
}

/** The hashes of a repository's lists: its revision may change without them. */
function listsOf(repomd: string): string {
  const hashes = [...repomd.matchAll(/<checksum type="[^"]*">([0-9a-f]+)<\/checksum>/g)].map(
    ([, hash]) => hash,
  );
  return hashes.length === 0 ? repomd : hashes.join('\n');
}

function revisionOf(repomd: string): string {
  return /<revision>([^<]*)<\/revision>/.exec(repomd)?.[1] ?? 'unknown';
}

/** A repository's address without the mirror's host, which says nothing about its packages. */
function nameOf(address: string): string {
  return new URL(address).pathname.replace(/^\/+|\/+$/g, '');
}

/** Addresses that name the same file: a server takes several slashes for one. */
function withoutSlashes(url: string): string {
  return url.replaceAll(/(?<!:)\/{2,}/g, '/');
}
