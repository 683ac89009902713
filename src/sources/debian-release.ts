import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { TurnbuildError } from '../errors.ts';
import { releaseDate, requireNotOlder } from '../io/archive-age.ts';
import { download } from '../io/download.ts';
import { exists, sha256Text, writeText } from '../io/files.ts';
import { gpgv } from '../io/gpgv.ts';
import type { ArchiveIndexQuery } from './debian-archive.ts';

/** The signed text of a suite's InRelease: only the part that gpgv verified, never the rest of the file. */
export async function signedRelease(
  query: ArchiveIndexQuery,
  suite: string,
  keyring: string,
): Promise<string> {
  // The date of the newest accepted InRelease. It is kept per keyring and suite, whichever mirror is used.
  const newestFile = join(query.cacheDir, `${sha256Text(`${keyring} ${suite}`).slice(0, 12)}-newest`);
  const file = join(query.cacheDir, `${sha256Text(`${query.mirror} ${suite}`).slice(0, 12)}-InRelease`);
  await download({
    url: `${query.mirror}/dists/${suite}/InRelease`,
    file,
    ...(query.signal === undefined ? {} : { signal: query.signal }),
  });
  checkShape(await readFile(file, 'utf8'), suite);
  const result = await gpgv(query.exec, ['--keyring', keyring, '--output', '-', file], query.signal);
  if (result.stdout === '' || result.signer === undefined) throw badSignature(suite, result.stderr.trim());
  const now = query.now ?? Date.now();
  checkRelease(result.stdout, suite, now);
  const offered = releaseDate(result.stdout);
  const newest = (await exists(newestFile)) ? Number(await readFile(newestFile, 'utf8')) : undefined;
  requireNotOlder({ name: `InRelease of ${suite}`, offered, newest, now });
  if (offered !== undefined && offered > (newest ?? 0)) await writeText(newestFile, `${offered}\n`);
  return result.stdout;
}

function badSignature(suite: string, why: string): TurnbuildError {
  return new TurnbuildError(
    'DEBIAN_SIGNATURE_INVALID',
    `InRelease of ${suite} is not signed by the Debian archive: ${why}`,
    { hint: 'The mirror, or a proxy on the way to it, has changed the file. Use another --mirror.' },
  );
}

/** Requires one signed message with nothing around it: tools disagree about which part of other files is signed. */
function checkShape(text: string, suite: string): void {
  const count = (line: string) => text.split('\n').filter((each) => each.trimEnd() === line).length;
  const begins = text.startsWith('-----BEGIN PGP SIGNED MESSAGE-----\n');
  const ends = text.trimEnd().endsWith('\n-----END PGP SIGNATURE-----');
  const once = ['BEGIN PGP SIGNED MESSAGE', 'BEGIN PGP SIGNATURE', 'END PGP SIGNATURE'].every(
    (name) => count(`-----${name}-----`) === 1,
  );
  if (!begins || !ends || !once) throw badSignature(suite, 'expected one signed message and nothing else');
}

function checkRelease(text: string, suite: string, now: number): void {
  const field = (name: string) => new RegExp(`^${name}: *(.*)$`, 'm').exec(text)?.[1]?.trim();
  if (field('Codename') !== suite && field('Suite') !== suite) {
    throw new TurnbuildError(
      'DEBIAN_INDEX_MISMATCH',
      `The mirror returned ${field('Codename') ?? 'an unnamed suite'} instead of ${suite}`,
      { hint: 'Use another --mirror.' },
    );
  }
  const validUntil = field('Valid-Until');
  if (validUntil === undefined) return;
  const until = Date.parse(validUntil);
  // An unreadable date counts as expired.
  if (Number.isNaN(until) || until < now) {
    throw new TurnbuildError('DEBIAN_INDEX_EXPIRED', `InRelease of ${suite} was valid until ${validUntil}`, {
      hint: "The mirror is out of date, or someone is replaying an old state. Use another --mirror, and check this machine's clock.",
    });
  }
}
