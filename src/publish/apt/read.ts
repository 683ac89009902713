import { gunzipSync } from 'node:zlib';
import { messageOf, TurnbuildError } from '../../errors.ts';
import { sha256Bytes, writeText } from '../../io/files.ts';
import { gpgv } from '../../io/gpgv.ts';
import type { Store } from '../../io/store.ts';
import type { Reading } from '../reading.ts';
import { architectureOf, byHashPath, releasePath, suiteFolder } from './layout.ts';
import { type IndexedPackage, parsePackages } from './packages-index.ts';
import type { PublishedSuite } from './plan.ts';
import { type ListedFile, listedFiles } from './release-file.ts';

/** InRelease has a few kilobytes. */
const MAX_RELEASE = 1024 ** 2;
/** An index has about 1.5 kB per package. */
const MAX_INDEX = 64 * 1024 ** 2;

/**
 * Reads a suite that is published already. Only what its signature covers is believed: it will be signed again.
 * @throws APT_SIGNATURE_INVALID, APT_FOREIGN, APT_INDEX_DAMAGED
 */
export async function readSuite(suite: string, reading: Reading): Promise<PublishedSuite> {
  const path = releasePath(suite);
  const signed = await reading.store.read(path, MAX_RELEASE);
  // turnbuild writes no Release without a signature in it.
  const other = `${suiteFolder(suite)}/Release`;
  if (signed === undefined && (await reading.store.describe(other)) !== undefined)
    throw foreign(other, reading.store, undefined);
  if (signed === undefined)
    return {
      suite,
      date: undefined,
      origin: undefined,
      signer: undefined,
      listed: [],
      byHash: [],
      packages: new Map(),
    };
  const { release, signer } = await verified(path, signed, reading);
  const listed = listedFiles(release);
  const date = Date.parse(/^Date:\s*(.*)$/m.exec(release)?.[1] ?? '');
  const field = (name: string) => fieldOf(release, name);
  if (field('Suite') !== suite)
    throw new TurnbuildError(
      'APT_FOREIGN',
      `${path} in ${reading.store.address} is that of the suite "${field('Suite')}", not of ${suite}`,
      { hint: 'Someone may have copied it there. Restore the right one from a backup.' },
    );
  const strange = listed.find((each) => architectureOf(each.path) === undefined);
  if (strange !== undefined || listed.length === 0 || Number.isNaN(date))
    throw foreign(path, reading.store, strange?.path);
  const plain = listed.filter((each) => each.path.endsWith('/Packages'));
  const read = plain.map(async (each): Promise<[string, IndexedPackage[]]> => {
    const compressed = listed.find((other) => other.path === `${each.path}.gz`);
    const text = await readIndex(suite, compressed ?? each, reading);
    return [architectureOf(each.path) ?? '', parsePackages(text)];
  });
  const packages = new Map(await Promise.all(read));
  const byHash = listed
    .filter((each) => each.path.endsWith('.gz'))
    .map((each) => byHashOf(`${suiteFolder(suite)}/${each.path}`, each.sha256));
  const validUntil = expiryIn(release);
  return { suite, date, validUntil, origin: field('Origin'), signer, listed: plain, byHash, packages };
}

const fieldOf = (release: string, name: string) =>
  new RegExp(`^${name}:[ \\t]*(.*)$`, 'm').exec(release)?.[1]?.trim() ?? '';

/** When a Release expires, in milliseconds since the epoch; undefined if never. */
function expiryIn(release: string): number | undefined {
  const time = Date.parse(fieldOf(release, 'Valid-Until'));
  return Number.isNaN(time) ? undefined : time;
}

/** When a suite expires, by its InRelease, whose signature is not verified. */
export async function readExpiry(
  suite: string,
  { store }: Pick<Reading, 'store'>,
): Promise<{ suite: string; validUntil: number | undefined }> {
  const text = (await store.read(releasePath(suite), MAX_RELEASE))?.toString('utf8') ?? '';
  return { suite, validUntil: expiryIn(text) };
}

const byHashOf = (path: string, sha256: string) => byHashPath(path.slice(0, path.lastIndexOf('/')), sha256);

async function verified(
  path: string,
  signed: Buffer,
  { store, exec, signal, work, keyring }: Reading,
): Promise<{ release: string; signer: string | undefined }> {
  const file = `${work}/InRelease`;
  await writeText(file, signed);
  const args = ['--keyring', keyring, '--output', '-', file];
  // A subkey that has expired since then has still signed what is there.
  const { signer, stdout, stderr } = await gpgv(exec, args, signal, { expired: true });
  if (signer !== undefined) return { release: `${stdout}\n`, signer };
  const said = stderr.split('\n').filter((line) => !line.startsWith('[GNUPG:]'));
  throw new TurnbuildError(
    'APT_SIGNATURE_INVALID',
    `${path} in ${store.address} has no valid signature of the key: ${said.join('; ')}`,
    {
      hint: 'If the file was tampered with, restore it from a backup. If the key that signed it was revoked, publish to an empty repository.',
    },
  );
}

async function readIndex(
  suite: string,
  { path, size, sha256 }: ListedFile,
  reading: Reading,
): Promise<string> {
  const { store } = reading;
  const whole = `${suiteFolder(suite)}/${path}`;
  const byHash = byHashOf(whole, sha256);
  const bytes = (await store.read(byHash, MAX_INDEX)) ?? (await store.read(whole, MAX_INDEX));
  const damaged = (why: string) =>
    new TurnbuildError('APT_INDEX_DAMAGED', `${whole} in ${store.address} ${why}`, {
      hint: 'Restore the file from a backup, or publish to an empty repository.',
    });
  if (bytes === undefined) throw damaged('is missing');
  if (bytes.length !== size || sha256Bytes(bytes) !== sha256)
    throw damaged('is not the file that InRelease lists');
  if (!path.endsWith('.gz')) return bytes.toString('utf8');
  try {
    return gunzipSync(bytes, { maxOutputLength: MAX_INDEX }).toString('utf8');
  } catch (error) {
    throw damaged(`cannot be unpacked: ${messageOf(error)}`);
  }
}

function foreign(path: string, store: Store, strange: string | undefined): TurnbuildError {
  const what = strange === undefined ? '' : `: it lists ${strange}`;
  return new TurnbuildError(
    'APT_FOREIGN',
    `${path} in ${store.address} was not written by turnbuild${what}`,
    { hint: 'Publish to an empty repository, so that nothing of the other one is lost.' },
  );
}
