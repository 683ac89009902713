import { basename, join } from 'node:path';
import { exists, readBytes, sha256Bytes, sha256File, sizeOf, writeText } from '../../io/files.ts';
import { detachedSignature } from '../../io/gpg.ts';
import { gpgv } from '../../io/gpgv.ts';
import type { Addition } from '../change.ts';
import { SIGNED, signedRpms } from '../dnf/signed.ts';
import type { Job } from '../job.ts';
import { KEY_FILE } from '../key-file.ts';
import type { SigningKey } from '../signing-key.ts';
import { statementFiles, type TrustFile } from '../trust/files.ts';
import { TRUST_FOLDER } from '../trust/names.ts';
import { assetName } from './names.ts';
import type { ReleaseFile } from './steps.ts';

/** How to make the files of a release. */
export interface Filing extends Pick<Job, 'exec' | 'signal' | 'work' | 'keyring'> {
  key: SigningKey | undefined;
  /** The content of a file that is published already; undefined if there is none. @param kept a local file that may be the same */
  published(name: string, kept: string, maxBytes: number): Promise<Buffer | undefined>;
}

/** The files of a release, and what is needed to upload them. */
export interface Filed {
  files: ReleaseFile[];
  /** Path of a file that is uploaded. A signature is made now. */
  pathOf(file: ReleaseFile): Promise<string>;
}

/** Reports in a release's folder. */
const REPORTS = ['manifest.json', 'report.html'];
const SUMS = 'SHA256SUMS';
const SIGNATURE = 'SHA256SUMS.asc';

/**
 * The files of a release on GitHub: its packages with their symbols, sources and bills of materials, its reports and statements, and
 * SHA256SUMS of exactly these under their names on GitHub, with a signature and the public key if there is a key. With a key, .rpm files are signed, too.
 * @throws the errors of signedRpms
 */
export async function releaseFiles(change: Addition, filing: Filing): Promise<Filed> {
  const { work, key } = filing;
  const shipped = await packages(change, filing);
  const trust = await statements(change, shipped, work);
  const listed = [...shipped, ...(await reports(change)), ...trust.files];
  const lines = listed.map(({ name, sha256 }) => `${sha256}  ${name}\n`).sort(byName);
  const sums = Buffer.from(lines.join(''));
  const sumsFile = join(work, SUMS);
  await writeText(sumsFile, sums);
  const kept = join(change.dir, SIGNED, SIGNATURE);
  const paths = new Map([...trust.paths, [SUMS, sumsFile], [KEY_FILE, join(work, KEY_FILE)]]);
  if (key !== undefined) await writeText(join(work, KEY_FILE), key.armored);
  const files: ReleaseFile[] = [
    ...listed,
    made(SUMS, 'sums', contentOf(sums)),
    ...(key === undefined
      ? []
      : [
          made(SIGNATURE, 'signature', await keptSignature(kept, sumsFile, filing)),
          made(KEY_FILE, 'signature', contentOf(key.armored)),
        ]),
  ];
  return {
    files,
    async pathOf({ name, file, sha256 }) {
      if (file !== undefined) return join(change.dir, file);
      const own = paths.get(name);
      if (own !== undefined) return own;
      if (sha256 === undefined && key !== undefined)
        await writeText(kept, await detachedSignature(filing.exec, key.signer, sums, filing.signal));
      return kept;
    },
  };
}

const byName = (a: string, b: string) => (a.slice(66) < b.slice(66) ? -1 : 1);

function contentOf(content: string | Buffer): Pick<ReleaseFile, 'size' | 'sha256'> {
  return { size: Buffer.byteLength(content), sha256: sha256Bytes(content) };
}

function made(
  name: string,
  kind: ReleaseFile['kind'],
  { size, sha256 }: Pick<ReleaseFile, 'size' | 'sha256'>,
): ReleaseFile {
  return { name, label: name, kind, size, sha256, file: undefined };
}

async function packages({ dir, groups }: Addition, filing: Filing): Promise<ReleaseFile[]> {
  // Builds for two architectures can have the same source package.
  const all = new Map(
    groups.flatMap(({ target, files }) => files.map((file) => [file.path, { ...file, target }] as const)),
  );
  const plain = [...all.values()].map(({ path, size, sha256 }): ReleaseFile => {
    const label = basename(path);
    return { name: assetName(label), label, kind: 'package', size, sha256, file: path };
  });
  const rpms = [...all.values()].filter(({ path }) => path.endsWith('.rpm'));
  const { key } = filing;
  if (key === undefined || rpms.length === 0) return plain;
  const store = {
    read: (path: string, maxBytes: number) => {
      const name = basename(path);
      return filing.published(assetName(name), join(dir, SIGNED, name), maxBytes);
    },
  };
  const signed = await signedRpms(rpms, { ...filing, key, dir, store });
  return plain.map((file) => {
    const own = signed.find((each) => each.file === file.file);
    return own === undefined
      ? file
      : { ...file, size: own.size, sha256: own.sha256, file: `${SIGNED}/${own.file}` };
  });
}

async function reports({ dir }: Addition): Promise<ReleaseFile[]> {
  const files: ReleaseFile[] = [];
  for (const name of REPORTS) {
    const path = join(dir, name);
    if (!(await exists(path))) continue;
    const [size, sha256] = [await sizeOf(path), await sha256File(path)];
    files.push({ name, label: name, kind: 'report', size, sha256, file: name });
  }
  return files;
}

/**
 * Where the packages come from and which checks they passed, with the keyless signatures that `turnbuild attest` has made.
 * @returns also the paths of those that are made for GitHub, by their names there
 */
async function statements(
  { dir, manifest, groups }: Addition,
  shipped: readonly ReleaseFile[],
  work: string,
): Promise<{ files: ReleaseFile[]; paths: Map<string, string> }> {
  const published = new Map(
    shipped.flatMap(({ label, file, sha256 }) =>
      sha256 !== undefined && file?.startsWith(`${SIGNED}/`) ? [[label, sha256] as const] : [],
    ),
  );
  const ids = groups.map(({ id }) => id);
  const found = await statementFiles({ dir, manifest, ids, published, work });
  const fileOf = (file: string | undefined, { name, size, sha256 }: TrustFile): ReleaseFile => ({
    ...{ name: assetName(name), label: name, kind: 'report', size, sha256, file },
  });
  return {
    files: [
      ...found.statements.map((each) => fileOf(undefined, each)),
      ...found.bundles.map((each) => fileOf(`${TRUST_FOLDER}/${each.name}`, each)),
    ],
    paths: new Map(found.statements.map(({ name, path }) => [assetName(name), path])),
  };
}

/** A signature that an earlier run has made: two signatures of the same file differ. Nothing if it is not valid. */
async function keptSignature(
  kept: string,
  sums: string,
  { exec, signal, keyring, key }: Filing,
): Promise<Pick<ReleaseFile, 'size' | 'sha256'>> {
  const none = { size: undefined, sha256: undefined };
  if (!(await exists(kept))) return none;
  const { signer } = await gpgv(exec, ['--keyring', keyring, kept, sums], signal);
  if (signer === undefined || signer !== key?.signer) return none;
  const bytes = await readBytes(kept);
  return { size: bytes.length, sha256: sha256Bytes(bytes) };
}
