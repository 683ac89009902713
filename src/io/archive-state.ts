import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf, TurnbuildError } from '../errors.ts';
import type { ArchiveSuite } from '../plan/archives.ts';
import { releaseDate, repositoryDate, requireNotOlder, shownDate } from './archive-age.ts';
import { download } from './download.ts';
import { exists, makeFolder, moveInto, remove, sha256Text } from './files.ts';
import { temporaryName } from './leftovers.ts';

/** Identifies the packages that an archive currently has. */
export interface ArchiveState {
  /** Depends only on the suites' packages, not on the mirror or the time. Lower-case hex. */
  id: string;
  /** The suites with their dates, as published by the archive. */
  suites: string[];
  /** Why the archive could not be reached. The state is then the last known one. */
  unreachable?: string;
  /** SHA-256 of each rpm repository's repomd.xml, in the order of the repositories. */
  metadata?: string[];
}

export interface ArchiveQuery {
  /** Folder that keeps the last state. */
  cacheDir: string;
  signal?: AbortSignal;
  /** Maximum retries for each suite. */
  retries?: number;
  /** The current time in milliseconds since 1970; for tests. */
  now?: number;
}

/**
 * Reads the hashes of the suites' Packages files from InRelease. The result only identifies the packages that a toolchain was installed from;
 * apt verifies the signatures.
 * @throws DOWNLOAD_FAILED if the archive cannot be reached and no earlier state is known; ARCHIVE_OLD, ARCHIVE_DATE
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
 * Like `readArchiveState`, for rpm repositories: their repomd.xml has the hashes of all lists.
 * @param addresses URLs of the folders that contain `repodata`
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

/** Like `Promise.all`, but if one fails, waits until all have settled, so that none is still running when the caller continues. */
async function allOf<T>(asked: readonly Promise<T>[]): Promise<T[]> {
  await Promise.allSettled(asked);
  return Promise.all(asked);
}

interface Answer {
  text: string;
  /** Why the archive could not be reached; the text is then the last known one. */
  unreachable?: string;
}

function unreachableOf(answers: readonly Answer[]): Pick<ArchiveState, 'unreachable'> {
  const unreachable = answers.find((answer) => answer.unreachable !== undefined)?.unreachable;
  return unreachable === undefined ? {} : { unreachable };
}

/** Pending requests by URL: two targets may request the same archive concurrently. */
const waiting = new Map<string, Promise<Answer>>();

async function lastAnswer(...question: Parameters<typeof askArchive>): Promise<Answer> {
  const key = `${question[3].cacheDir} ${question[0]}`;
  const answer = waiting.get(key) ?? askArchive(...question).finally(() => waiting.delete(key));
  waiting.set(key, answer);
  return answer;
}

/** Downloads an archive's index, or returns the last known one if the archive is unreachable. Keeps the newest. */
async function askArchive(
  url: string,
  name: string,
  dateIn: (text: string) => number | undefined,
  { cacheDir, signal, retries = 1, now = Date.now() }: ArchiveQuery,
): Promise<Answer> {
  const file = join(cacheDir, `${sha256Text(withoutSlashes(url)).slice(0, 12)}-state`);
  // Two turnbuild processes may download it concurrently.
  const temporary = temporaryName(file);
  try {
    await download({ url, file: temporary, retries, ...(signal === undefined ? {} : { signal }) });
    const text = await readFile(temporary, 'utf8');
    const offered = dateIn(text);
    const newest = (await exists(file)) ? dateIn(await readFile(file, 'utf8')) : undefined;
    requireNotOlder({ name, offered, newest, now });
    // A slightly older state is usable, but the next one must still be compared with the newest.
    if (newest === undefined || (offered ?? 0) >= newest) await moveInto(temporary, file);
    return { text };
  } catch (error) {
    if (signal?.aborted === true || !isUnreachable(error) || !(await exists(file))) throw error;
    return { text: await readFile(file, 'utf8'), unreachable: messageOf(error) };
  } finally {
    await remove(temporary);
  }
}

/** Errors that only mean that an archive is unreachable. */
const UNREACHABLE = ['DOWNLOAD_FAILED', 'PROXY_FAILED'];

function isUnreachable(error: unknown): boolean {
  return error instanceof TurnbuildError && UNREACHABLE.includes(error.code);
}

/** The hashes of a suite's package lists. They change only with the packages; the date changes several times a day. */
function packagesOf(release: string, components: readonly string[]): string {
  const all = [...release.matchAll(/^ ([0-9a-f]{64}) +\d+ ((\S+)\/binary-[^/\s]+\/Packages)$/gm)];
  const rows = all.filter(([, , , component = '']) => components.includes(component));
  return rows.length === 0 ? release : rows.map(([, hash, path]) => `${path} ${hash}`).join('\n');
}

function dateOf(release: string): string {
  return /^Date: *(.*)$/m.exec(release)?.[1]?.trim() ?? 'an unknown date';
}

/** The hashes of a repository's lists. The revision may change while they stay the same. */
function listsOf(repomd: string): string {
  const hashes = [...repomd.matchAll(/<checksum type="[^"]*">([0-9a-f]+)<\/checksum>/g)].map(
    ([, hash]) => hash,
  );
  return hashes.length === 0 ? repomd : hashes.join('\n');
}

function revisionOf(repomd: string): string {
  return /<revision>([^<]*)<\/revision>/.exec(repomd)?.[1] ?? 'unknown';
}

/** A repository's path. The mirror's host is irrelevant to its packages. */
function nameOf(address: string): string {
  return new URL(address).pathname.replace(/^\/+|\/+$/g, '');
}

/** Normalizes repeated slashes, because servers treat them as one. */
function withoutSlashes(url: string): string {
  return url.replaceAll(/(?<!:)\/{2,}/g, '/');
}
