import { join } from 'node:path';
import { TurnbuildError } from '../errors.ts';
import type { Exec } from '../io/exec.ts';
import { exists } from '../io/files.ts';
import { lockFolder } from '../io/folder-lock.ts';
import { DEBIAN_KEYRING } from '../recipe/schema.ts';
import { downloadIndex } from './debian-index.ts';
import { signedRelease } from './debian-release.ts';

/** An upstream tarball in the Debian archive. */
export interface DebianSource {
  /** Upstream version, without epoch and Debian revision. */
  version: string;
  url: string;
  /** Lower-case hex, from the signed index. */
  sha256: string;
  /** Bytes. */
  size: number;
  suite: string;
}

export interface ArchiveIndexQuery {
  /** Address of the archive, e.g. from /etc/apt. */
  mirror: string;
  suites: readonly string[];
  exec: Exec;
  /** Folder for the indices. */
  cacheDir: string;
  signal?: AbortSignal;
  /** Locks the folder for the indices. The default does not report that it waits for another process. */
  lockFolder?: typeof lockFolder;
  keyring?: string;
  /** Now, in milliseconds since 1970; for tests. */
  now?: number;
}

export interface DebianQuery extends ArchiveIndexQuery {
  /** The source package. */
  package: string;
}

/** The version of a source package in a suite. */
export interface SourceVersion {
  package: string;
  /** With epoch and Debian revision. */
  version: string;
  suite: string;
}

/**
 * Lists the upstream tarballs of a package in the archive's suites. Trust comes from a chain: the archive's keys sign
 * InRelease, InRelease has the hash of Sources, and Sources has the hash of the tarball.
 * @throws DEBIAN_KEYRING_MISSING, GPGV_MISSING, DEBIAN_SIGNATURE_INVALID, DEBIAN_INDEX_MISMATCH, DEBIAN_INDEX_EXPIRED,
 *   ARCHIVE_OLD, ARCHIVE_DATE, DOWNLOAD_FAILED
 */
export async function findDebianSource(query: DebianQuery): Promise<DebianSource[]> {
  return readIndices(query, (text, suite) => parseSources(text, query, suite));
}

/**
 * Lists the versions of source packages in the archive's suites, after the same checks of signatures and hashes.
 * @throws as `findDebianSource`
 */
export async function findSourceVersions(
  query: ArchiveIndexQuery & { packages: readonly string[] },
): Promise<SourceVersion[]> {
  return readIndices(query, (text, suite) =>
    text.split(/\n\n+/).flatMap((stanza) => {
      const field = (name: string) => new RegExp(`^${name}: (.*)$`, 'm').exec(stanza)?.[1]?.trim() ?? '';
      const name = field('Package');
      return query.packages.includes(name) ? [{ package: name, version: field('Version'), suite }] : [];
    }),
  );
}

/** Reads the signed Sources index of each suite. */
async function readIndices<T>(
  query: ArchiveIndexQuery,
  parse: (text: string, suite: string) => T[],
): Promise<T[]> {
  const keyring = query.keyring ?? DEBIAN_KEYRING;
  if (!(await exists(keyring))) {
    throw new TurnbuildError(
      'DEBIAN_KEYRING_MISSING',
      `The keyring of the Debian archive is missing: ${keyring}`,
      {
        hint: 'apt-get install debian-archive-keyring, or `turnbuild doctor --fix`.',
      },
    );
  }
  const found: T[] = [];
  // If two processes need the same index, one downloads it and the other waits for it.
  const take = query.lockFolder ?? lockFolder;
  const lock = await take(query.cacheDir, query.signal ?? new AbortController().signal);
  try {
    for (const suite of query.suites) {
      const release = await signedRelease(query, suite, keyring);
      found.push(...parse(await downloadIndex(query, suite, release), suite));
    }
  } finally {
    await lock.release();
  }
  return found;
}

/** Reads one package's stanzas in a Sources index (deb822); keeps only the upstream tarballs. */
function parseSources(text: string, query: DebianQuery, suite: string): DebianSource[] {
  return text
    .split(/\n\n+/)
    .filter((stanza) => stanza.startsWith(`Package: ${query.package}\n`))
    .flatMap((stanza) => {
      const field = (name: string) =>
        new RegExp(`^${name}:[ ]*((?:.*(?:\\n .*)*))`, 'm').exec(stanza)?.[1] ?? '';
      const version = field('Version')
        .trim()
        .replace(/^\d+:/, '')
        .replace(/-[^-]*$/, '');
      return field('Checksums-Sha256')
        .split('\n')
        .map((line) => line.trim().split(/\s+/))
        .filter(
          ([sha256, , name]) =>
            /^[0-9a-f]{64}$/.test(sha256 ?? '') && /^[^/]+\.orig\.tar\.(gz|xz)$/.test(name ?? ''),
        )
        .map(([sha256 = '', size = '', name = '']) => ({
          version,
          sha256,
          size: Number(size),
          suite,
          url: `${query.mirror}/${join('/', field('Directory').trim(), name).slice(1)}`,
        }));
    });
}
