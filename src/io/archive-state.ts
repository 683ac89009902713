import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf } from '../errors.ts';
import { download } from './download.ts';
import { exists, makeFolder, moveInto, remove, sha256Text } from './files.ts';
import { temporaryName } from './leftovers.ts';

/** A suite of a Debian archive, e.g. `trixie-updates`, and the archive's address. */
export interface ArchiveSuite {
  mirror: string;
  suite: string;
}

/** Which packages an archive has at the moment. */
export interface ArchiveState {
  /** The same while the suites have the same packages, whenever and from whichever mirror they are read. Lower-case hex. */
  id: string;
  /** The suites with the dates of their last change, as the archive gives them. */
  suites: string[];
  /** Why the archive could not be asked; the state is then the last known one. */
  unreachable?: string;
}

export interface ArchiveQuery {
  /** Folder that keeps what the archive said last. */
  cacheDir: string;
  signal?: AbortSignal;
  /** Tries after the first one, for each suite. */
  retries?: number;
}

/**
 * Asks the archive which packages its suites have, by the hashes of their Packages files in InRelease. It is only a mark
 * of what a toolchain was installed from: apt itself checks the signatures.
 * @throws DOWNLOAD_FAILED if the archive can't be reached and never was before
 */
export async function readArchiveState(
  suites: readonly ArchiveSuite[],
  query: ArchiveQuery,
): Promise<ArchiveState> {
  await makeFolder(query.cacheDir);
  const answers = await Promise.all(suites.map((each) => inRelease(each, query)));
  const unreachable = answers.find((answer) => answer.unreachable !== undefined)?.unreachable;
  return {
    id: sha256Text(answers.map(({ text }) => packagesOf(text)).join('\n')),
    suites: answers.map(({ text }, index) => `${suites[index]?.suite} of ${dateOf(text)}`),
    ...(unreachable === undefined ? {} : { unreachable }),
  };
}

/** What a suite says of itself, or said when it could last be reached. */
async function inRelease(
  { mirror, suite }: ArchiveSuite,
  { cacheDir, signal, retries = 1 }: ArchiveQuery,
): Promise<{ text: string; unreachable?: string }> {
  const file = join(cacheDir, `${sha256Text(`${mirror} ${suite}`).slice(0, 12)}-state`);
  // Two releases may ask at once.
  const temporary = temporaryName(file);
  const url = `${mirror}/dists/${suite}/InRelease`;
  try {
    await download({ url, file: temporary, retries, ...(signal === undefined ? {} : { signal }) });
    await moveInto(temporary, file);
    return { text: await readFile(file, 'utf8') };
  } catch (error) {
    await remove(`${temporary}.part`);
    await remove(`${temporary}.part.tag`);
    if (signal?.aborted === true || !(await exists(file))) throw error;
    return { text: await readFile(file, 'utf8'), unreachable: messageOf(error) };
  }
}

/** The hashes of a suite's lists of packages: its date changes several times a day, and these only with a package. */
function packagesOf(release: string): string {
  const rows = [...release.matchAll(/^ ([0-9a-f]{64}) +\d+ (main\/binary-\S+\/Packages)$/gm)];
  return rows.length === 0 ? release : rows.map(([, hash, path]) => `${path} ${hash}`).join('\n');
}

function dateOf(release: string): string {
  return /^Date: *(.*)$/m.exec(release)?.[1]?.trim() ?? 'an unknown date';
}
