import { basename, join } from 'node:path';
import { exists, readBytes, sha256Bytes, sha256File, sha256Text, sizeOf, writeText } from '../../io/files.ts';
import { detachedSignature } from '../../io/gpg.ts';
import { gpgv } from '../../io/gpgv.ts';
import { allPublished, type PublishedFile, withPublished } from '../../manifest/published.ts';
import type { Artifact } from '../../manifest/schema.ts';
import { formatManifest } from '../../manifest/store.ts';
import type { Addition } from '../change.ts';
import { type PublishedRpms, publishedRpms, SIGNED, signedRpms } from '../dnf/signed.ts';
import type { Job } from '../job.ts';
import { KEY_FILE } from '../key-file.ts';
import { publishedSboms, SBOM_SUFFIX, SBOMS } from '../sboms.ts';
import type { SigningKey } from '../signing-key.ts';
import { statementFiles, type TrustFile } from '../trust/files.ts';
import { TRUST_FOLDER } from '../trust/names.ts';
import { assetName } from './names.ts';
import type { ReleaseFile } from './steps.ts';

/** How to make the files of a release. */
export interface Filing extends Pick<Job, 'exec' | 'signal' | 'work' | 'keyring' | 'elsewhere'> {
  key: SigningKey | undefined;
  /** Signed packages that are on GitHub already. */
  own: PublishedRpms;
}

/** The files of a release, and what is needed to upload them. */
export interface Filed {
  files: ReleaseFile[];
  /** What users get of each file of the release. */
  published: PublishedFile[];
  /** Keyless bundles in the folder `trust` that are not signatures of the published statements. */
  leftOut: string[];
  /** Path of a file that is uploaded. A signature is made now. */
  pathOf(file: ReleaseFile): Promise<string>;
}

const MANIFEST = 'manifest.json';
/** Reports in a release's folder, besides the manifest. */
const REPORTS = ['report.html', 'junit.xml'];
const SUMS = 'SHA256SUMS';
const SIGNATURE = 'SHA256SUMS.asc';

/**
 * The files of a release on GitHub: its packages with their symbols, sources and bills of materials, its reports and statements, and
 * SHA256SUMS of exactly these under their names on GitHub, with a signature and the public key if there is a key. With a key, .rpm files are
 * signed, too. The manifest and the bills of materials name the digests of the published packages.
 * @throws the errors of signedRpms and publishedSboms
 */
export async function releaseFiles(change: Addition, filing: Filing): Promise<Filed> {
  const { work, key } = filing;
  const published = await publishedFiles(change, filing);
  const shipped = packages(change, published);
  const trust = await statements(change, published, work);
  const report = await reports(change, published, work);
  const listed = [...shipped, ...report.files, ...trust.files];
  const lines = listed.map(({ name, sha256 }) => `${sha256}  ${name}\n`).sort(byName);
  const sums = Buffer.from(lines.join(''));
  const sumsFile = join(work, SUMS);
  await writeText(sumsFile, sums);
  const kept = join(change.dir, SIGNED, SIGNATURE);
  const paths = new Map([
    ...[...trust.paths, ...report.paths, ...sbomPaths(published, work)],
    ...([[SUMS, sumsFile]] as const),
    ...([[KEY_FILE, join(work, KEY_FILE)]] as const),
  ]);
  if (key !== undefined) await writeText(join(work, KEY_FILE), key.clientKeys);
  const files: ReleaseFile[] = [
    ...listed,
    made(SUMS, 'sums', contentOf(sums)),
    ...(key === undefined
      ? []
      : [
          made(SIGNATURE, 'signature', await keptSignature(kept, sumsFile, filing)),
          made(KEY_FILE, 'signature', contentOf(key.clientKeys)),
        ]),
  ];
  return {
    files,
    published,
    leftOut: trust.leftOut,
    async pathOf({ name, file, sha256 }) {
      const own = paths.get(name);
      if (own !== undefined) return own;
      if (file !== undefined) return join(change.dir, file);
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

/** Builds for two architectures can have the same source package. */
function filesOf({ groups }: Addition): Artifact[] {
  return [...new Map(groups.flatMap(({ files }) => files.map((file) => [file.path, file]))).values()];
}

/** Signs .rpm files, if there is a key, and writes the bills of materials that name the digests of the published packages. */
async function publishedFiles(change: Addition, filing: Filing): Promise<PublishedFile[]> {
  const { dir } = change;
  const files = filesOf(change);
  const targets = new Map(
    change.groups.flatMap(({ target, files: own }) => own.map(({ path }) => [path, target] as const)),
  );
  const rpms = files
    .filter(({ path }) => path.endsWith('.rpm'))
    .map(({ path }) => ({ path, target: targets.get(path) ?? '' }));
  const { key, work, own, elsewhere = [] } = filing;
  const sources = [own, ...elsewhere];
  const signed =
    key === undefined || rpms.length === 0
      ? []
      : publishedRpms(await signedRpms(rpms, { ...filing, key, dir, published: sources }), files);
  const digests = new Map(signed.map(({ path, sha256 }) => [path, sha256]));
  const sboms = await publishedSboms(files, digests, { dir, into: join(work, SBOMS) });
  return allPublished(files, [...signed, ...sboms]);
}

function packages(change: Addition, published: readonly PublishedFile[]): ReleaseFile[] {
  return filesOf(change).map((own): ReleaseFile => {
    const label = basename(own.path);
    const { size, sha256 } = published.find(({ path }) => path === own.path) ?? own;
    const isSigned = sha256 !== own.sha256 && own.kind !== 'sbom';
    const file = isSigned ? `${SIGNED}/${own.path}` : own.path;
    // It is about the package, but each version of turnbuild may word it differently.
    const kind = own.kind === 'sbom' ? 'report' : 'package';
    return { name: assetName(label), label, kind, size, sha256, file };
  });
}

/** Name on GitHub -> path of each bill of materials that was written. */
function sbomPaths(published: readonly PublishedFile[], work: string): [string, string][] {
  return published
    .filter(({ path, before, sha256 }) => path.endsWith(SBOM_SUFFIX) && sha256 !== before)
    .map(({ path }) => [assetName(basename(path)), join(work, SBOMS, path)]);
}

/** The reports, and the path of the manifest, which names the digests of the published packages. */
async function reports(
  { dir, manifest }: Addition,
  published: readonly PublishedFile[],
  work: string,
): Promise<{ files: ReleaseFile[]; paths: [string, string][] }> {
  const text = formatManifest(withPublished(manifest, published), sha256Text);
  const own = join(work, MANIFEST);
  await writeText(own, text);
  const files: ReleaseFile[] = [{ ...made(MANIFEST, 'report', contentOf(text)), file: MANIFEST }];
  for (const name of REPORTS) {
    const path = join(dir, name);
    if (!(await exists(path))) continue;
    const content = { size: await sizeOf(path), sha256: await sha256File(path) };
    files.push({ ...made(name, 'report', content), file: name });
  }
  return { files, paths: [[MANIFEST, own]] };
}

/**
 * Where the packages come from and which checks they passed, with the keyless signatures that `turnbuild attest` has made.
 * @returns also the paths of those that are made for GitHub, by their names there
 */
async function statements(
  { dir, manifest, groups }: Addition,
  published: readonly PublishedFile[],
  work: string,
): Promise<{ files: ReleaseFile[]; paths: Map<string, string>; leftOut: string[] }> {
  const digests = new Map(published.map(({ path, sha256 }) => [path, sha256]));
  const ids = groups.map(({ id }) => id);
  const found = await statementFiles({ dir, manifest, ids, published: digests, work });
  const fileOf = (file: string | undefined, { name, size, sha256 }: TrustFile): ReleaseFile => ({
    ...{ name: assetName(name), label: name, kind: 'report', size, sha256, file },
  });
  return {
    files: [
      ...found.statements.map((each) => fileOf(undefined, each)),
      ...found.bundles.map((each) => fileOf(`${TRUST_FOLDER}/${each.name}`, each)),
    ],
    paths: new Map(found.statements.map(({ name, path }) => [assetName(name), path])),
    leftOut: found.others,
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
