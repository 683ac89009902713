import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { messageOf, TurnbuildError } from '../errors.ts';
import { download } from './download.ts';
import type { Exec } from './exec.ts';
import { exists, makeFolder, sha256File, sha256Text } from './files.ts';

/** An upstream tarball in the Debian archive. */
export interface DebianSource {
  /** Upstream version, without epoch and Debian revision. */
  version: string;
  url: string;
  sha256: string;
  size: number;
  suite: string;
}

export interface DebianQuery {
  /** Address of the archive, e.g. of /etc/apt. */
  mirror: string;
  suites: readonly string[];
  package: string;
  exec: Exec;
  /** Folder for the indices. */
  cacheDir: string;
  signal?: AbortSignal;
  keyring?: string;
  /** Now, in milliseconds; for tests. */
  now?: number;
}

const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg';

/**
 * Lists the upstream tarballs of a package in the archive's suites. The chain is checked link by link: the signature of
 * InRelease with the archive's keys, the hash of Sources in it, and the hash of the tarball in Sources.
 * @throws DEBIAN_KEYRING_MISSING, DEBIAN_SIGNATURE_INVALID, DEBIAN_INDEX_MISMATCH, DOWNLOAD_FAILED
 */
export async function findDebianSource(query: DebianQuery): Promise<DebianSource[]> {
  const keyring = query.keyring ?? KEYRING;
  if (!(await exists(keyring))) {
    throw new TurnbuildError(
      'DEBIAN_KEYRING_MISSING',
      `The keys of the Debian archive are not at ${keyring}`,
      {
        hint: 'apt-get install debian-archive-keyring, or `turnbuild doctor --fix`.',
      },
    );
  }
  await makeFolder(query.cacheDir);
  const found: DebianSource[] = [];
  for (const suite of query.suites) {
    const release = await signedRelease(query, suite, keyring);
    found.push(...parseSources(await sourcesIndex(query, suite, release), query, suite));
  }
  return found;
}

/** The signed text of InRelease: only what gpgv says was signed, never the file around it. */
async function signedRelease(query: DebianQuery, suite: string, keyring: string): Promise<string> {
  const file = join(query.cacheDir, `${sha256Text(`${query.mirror} ${suite}`).slice(0, 12)}-InRelease`);
  await download({
    url: `${query.mirror}/dists/${suite}/InRelease`,
    file,
    ...(query.signal === undefined ? {} : { signal: query.signal }),
  });
  const result = await query.exec({
    file: 'gpgv',
    args: ['--quiet', '--keyring', keyring, '--output', '-', file],
    effect: 'read',
  });
  if (result.code === 127) {
    throw new TurnbuildError(
      'GPGV_MISSING',
      "gpgv is not installed, so the archive's signature can't be checked",
      { hint: 'apt-get install gpgv' },
    );
  }
  if (result.code !== 0 || result.stdout === '') {
    throw new TurnbuildError(
      'DEBIAN_SIGNATURE_INVALID',
      `InRelease of ${suite} is not signed by the Debian archive: ${result.stderr.trim()}`,
      {
        hint: 'The mirror, or something on the way to it, has changed the file. Use another --mirror.',
      },
    );
  }
  checkRelease(result.stdout, suite, query.now ?? Date.now());
  return result.stdout;
}

function checkRelease(text: string, suite: string, now: number): void {
  const field = (name: string) => new RegExp(`^${name}: *(.*)$`, 'm').exec(text)?.[1]?.trim();
  if (field('Codename') !== suite && field('Suite') !== suite) {
    throw new TurnbuildError(
      'DEBIAN_INDEX_MISMATCH',
      `The mirror gives ${field('Codename') ?? 'an unnamed suite'} for ${suite}`,
      { hint: 'Use another --mirror.' },
    );
  }
  const until = Date.parse(field('Valid-Until') ?? '');
  if (!Number.isNaN(until) && until < now) {
    throw new TurnbuildError(
      'DEBIAN_INDEX_EXPIRED',
      `InRelease of ${suite} was valid until ${field('Valid-Until')}`,
      {
        hint: 'The mirror is old, or somebody replays an old state. Use another --mirror.',
      },
    );
  }
}

async function sourcesIndex(query: DebianQuery, suite: string, release: string): Promise<string> {
  const section = /^SHA256:\n((?: .*\n?)+)/m.exec(release)?.[1] ?? '';
  const entry = section
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .find(([, , path]) => path === 'main/source/Sources.gz' || path === 'main/source/Sources.xz');
  // Either will do; the first one listed is taken.
  const [sha256, , path] = entry ?? [];
  if (sha256 === undefined || path === undefined) {
    throw new TurnbuildError('DEBIAN_INDEX_MISMATCH', `InRelease of ${suite} lists no Sources`, {
      hint: 'Use another --mirror.',
    });
  }
  const file = join(query.cacheDir, `${sha256}-${path.endsWith('.xz') ? 'Sources.xz' : 'Sources.gz'}`);
  if (!(await exists(file))) {
    await download({
      url: `${query.mirror}/dists/${suite}/main/source/by-hash/SHA256/${sha256}`,
      file,
      sha256,
      ...(query.signal === undefined ? {} : { signal: query.signal }),
    }).catch((error: unknown) => {
      throw indexError(error, suite);
    });
  }
  if ((await sha256File(file)) !== sha256) throw indexError(new Error('the cached copy has changed'), suite);
  if (path.endsWith('.gz')) return gunzipSync(await readFile(file)).toString('utf8');
  const result = await query.exec({ file: 'xz', args: ['-dc', file], effect: 'read' });
  if (result.code !== 0) {
    throw new TurnbuildError(
      'XZ_FAILED',
      `${file} could not be unpacked: ${result.stderr.trim() || 'is xz installed?'}`,
      { hint: 'apt-get install xz-utils' },
    );
  }
  return result.stdout;
}

function indexError(error: unknown, suite: string): unknown {
  const mismatch = error instanceof TurnbuildError ? error.code === 'SOURCE_SHA256_MISMATCH' : true;
  if (!mismatch) return error;
  return new TurnbuildError(
    'DEBIAN_INDEX_MISMATCH',
    `Sources of ${suite} is not the file that InRelease names: ${messageOf(error)}`,
    {
      cause: error,
      hint: 'The mirror is being updated, or was tampered with. Try again, or use another --mirror.',
    },
  );
}

/** Reads the stanzas of one package in a Sources index; only its upstream tarballs count. */
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
            /^[0-9a-f]{64}$/.test(sha256 ?? '') && /\.orig\.tar\.(gz|xz)$/.test(name ?? ''),
        )
        .map(([sha256 = '', size = '', name = '']) => ({
          version,
          sha256,
          size: Number(size),
          suite,
          url: `${query.mirror}/${field('Directory').trim()}/${name}`,
        }));
    });
}
