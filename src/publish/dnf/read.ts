import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { messageOf, TurnbuildError } from '../../errors.ts';
import { sha256Bytes, writeText } from '../../io/files.ts';
import { gpgv } from '../../io/gpgv.ts';
import type { Reading } from '../reading.ts';
import { baseFolder, mirrorListPath, REPODATA, type RepositoryName } from './layout.ts';
import { contentText, listedRpms, metadataFiles } from './metadata.ts';
import type { PublishedRepository } from './plan.ts';

/** A mirror list has one line. */
const MAX_LIST = 4096;
const MAX_REPOMD = 1024 ** 2;
const MAX_METADATA = 64 * 1024 ** 2;

/**
 * Reads a repository that is published already, and stores its metadata in a folder, so that others can be merged with them. Only what its
 * signature covers is believed: it will be signed again.
 * @param into the folder, which gets a folder `repodata`
 * @throws DNF_SIGNATURE_INVALID, DNF_FOREIGN, DNF_METADATA_DAMAGED
 */
export async function readRepository(
  name: RepositoryName,
  reading: Reading,
  into: string,
): Promise<PublishedRepository> {
  const { store } = reading;
  const list = (await store.read(mirrorListPath(name), MAX_LIST))?.toString('utf8');
  if (list === undefined)
    return {
      ...{ name, list, signer: undefined, files: undefined },
      ...{ plain: undefined, plainSigner: undefined, packages: [] },
    };
  const base = stateIn(list, name);
  const foreign = (path: string) =>
    new TurnbuildError('DNF_FOREIGN', `${path} in ${store.address} was not written by turnbuild`, {
      hint: 'Publish to an empty repository, so that nothing of the other one is lost.',
    });
  if (base === undefined) throw foreign(mirrorListPath(name));
  const { repomd, signer } = await verifiedRepomd(base, reading);
  const files = metadataFiles(repomd.toString('utf8'));
  if (files === undefined) throw foreign(`${base}/${REPODATA}/repomd.xml`);
  await writeText(join(into, REPODATA, 'repomd.xml'), repomd);
  let packages: PublishedRepository['packages'] = [];
  const contents = await Promise.all(files.map(({ path }) => store.read(`${base}/${path}`, MAX_METADATA)));
  for (const [index, { type, path, size, sha256 }] of files.entries()) {
    const bytes = contents[index];
    if (bytes?.length !== size || sha256Bytes(bytes) !== sha256)
      throw damaged(
        reading,
        `${base}/${path}`,
        bytes === undefined ? 'is missing' : 'is not the file that repomd.xml lists',
      );
    await writeText(join(into, path), bytes);
    if (type === 'primary') packages = packagesIn(bytes, `${base}/${path}`, reading);
  }
  const plain = await signedRepomd(baseFolder(name), reading);
  return {
    ...{ name, list, signer, files, packages },
    plain: metadataFiles(plain.repomd?.toString('utf8') ?? ''),
    plainSigner: plain.signer,
  };
}

/** The folder of the state that a mirror list points to. */
export function stateIn(list: string, name: RepositoryName): string | undefined {
  const folder = baseFolder(name);
  return new RegExp(`/(${folder}-[0-9a-f]{16})/?\\s*$`).exec(list)?.[1];
}

/** Whether the folder of a state has all metadata with this content, signed by this key or subkey. */
export async function isStateStored(
  base: string,
  { content, signer }: { content: string; signer: string },
  reading: Reading,
): Promise<boolean> {
  try {
    const found = await verifiedRepomd(base, reading);
    const files = metadataFiles(found.repomd.toString('utf8'));
    if (files === undefined || contentText(files) !== content || found.signer !== signer) return false;
    // A run of gc that was killed may have deleted some.
    const stored = await Promise.all(files.map(({ path }) => reading.store.describe(`${base}/${path}`)));
    return files.every(({ sha256 }, index) => stored[index]?.sha256 === sha256);
  } catch (error) {
    if (error instanceof TurnbuildError && /^DNF_/.test(error.code)) return false;
    throw error;
  }
}

async function verifiedRepomd(base: string, reading: Reading): Promise<{ repomd: Buffer; signer: string }> {
  const path = `${base}/${REPODATA}/repomd.xml`;
  const { repomd, signature, signer, said } = await signedRepomd(base, reading);
  if (repomd === undefined) throw damaged(reading, path, 'is missing');
  if (signature === undefined) throw damaged(reading, `${path}.asc`, 'is missing');
  if (signer !== undefined) return { repomd, signer };
  throw new TurnbuildError(
    'DNF_SIGNATURE_INVALID',
    `${path} in ${reading.store.address} has no valid signature of the key: ${said}`,
    {
      hint: 'If the file was tampered with, restore it from a backup. If the key that signed it was revoked, publish to an empty repository.',
    },
  );
}

/** A repomd.xml, its signature, and whose it is: undefined if it is not good. `said`: why not, by gpgv. */
async function signedRepomd(base: string, { store, exec, signal, work, keyring }: Reading) {
  const path = `${base}/${REPODATA}/repomd.xml`;
  const [repomd, signature] = await Promise.all([
    store.read(path, MAX_REPOMD),
    store.read(`${path}.asc`, MAX_REPOMD),
  ]);
  if (repomd === undefined || signature === undefined) return { repomd, signature };
  const file = join(work, 'repomd.xml');
  await writeText(file, repomd);
  await writeText(`${file}.asc`, signature);
  const args = ['--keyring', keyring, `${file}.asc`, file];
  // A subkey that has expired since then has still signed what is there.
  const { signer, stderr } = await gpgv(exec, args, signal, { expired: true });
  const said = stderr.split('\n').filter((line) => !line.startsWith('[GNUPG:]'));
  return { repomd, signature, signer, said: said.join('; ') };
}

function packagesIn(bytes: Buffer, path: string, reading: Reading) {
  const unpacked = () => {
    try {
      return gunzipSync(bytes, { maxOutputLength: MAX_METADATA }).toString('utf8');
    } catch (error) {
      throw damaged(reading, path, `cannot be unpacked: ${messageOf(error)}`);
    }
  };
  const packages = listedRpms(unpacked());
  if (packages === undefined) throw damaged(reading, path, 'cannot be read');
  return packages;
}

function damaged({ store }: Reading, path: string, why: string): TurnbuildError {
  return new TurnbuildError('DNF_METADATA_DAMAGED', `${path} in ${store.address} ${why}`, {
    hint: 'Restore the file from a backup, or publish to an empty repository.',
  });
}
