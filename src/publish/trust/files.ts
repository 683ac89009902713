import { join } from 'node:path';
import type { Exec } from '../../io/exec.ts';
import {
  exists,
  isIntact,
  listFiles,
  makeFolder,
  readText,
  remove,
  sha256Bytes,
  sha256Text,
  writeText,
} from '../../io/files.ts';
import { detachedSignature } from '../../io/gpg.ts';
import { dearmored, gpgv } from '../../io/gpgv.ts';
import { identityToken, type SigstoreServices, signKeyless } from '../../io/sigstore.ts';
import type { Manifest } from '../../manifest/schema.ts';
import { type PlanDocument, parsePlan } from '../../plan/document.ts';
import { KEY_FILE } from '../key-file.ts';
import type { SigningKey } from '../signing-key.ts';
import { BUNDLE_SUFFIX, SIGNATURE_FILE, SUMS_FILE, TRUST_FOLDER } from './names.ts';
import { provenanceOf } from './provenance.ts';
import { type MadeFiles, madeFiles, subjectsOf } from './release-files.ts';
import { formatStatement, PAYLOAD_TYPE, PREDICATES, statementOf } from './statement.ts';
import { formatTrustSums, type Sum } from './sums.ts';
import { testResultOf } from './test-result.ts';

/** What to attest, and how to sign it. */
export interface Attestation {
  /** The release's folder. No other run may write to it meanwhile. */
  dir: string;
  manifest: Manifest;
  /** Steps that made packages or images, all of which are verified. Their files are as recorded. */
  ids: readonly string[];
  /** Path of a package in the release's folder -> digest of the signed one that users get instead. */
  published: ReadonlyMap<string, string>;
  /** Signs SHA256SUMS. */
  key: SigningKey | undefined;
  /** Signs each statement keylessly. */
  keyless: SigstoreServices | undefined;
  exec: Exec;
  signal: AbortSignal;
  /** An existing folder for temporary files. */
  work: string;
  /** Called before each keyless signature, with the name of the statement. */
  tell?: (name: string) => void;
}

/** A file that proves where a release's files come from. */
export interface TrustFile {
  name: string;
  /** Absolute path. */
  path: string;
  sha256: string;
  /** In bytes. */
  size: number;
}

/**
 * Writes statements about a release's files, SHA256SUMS of both, and signatures into the folder `trust` of the release. What is there
 * already and still fits is kept: signatures differ each time, and a keyless one is logged publicly. Other files in it are removed.
 * @returns the files to publish beside the release's
 * @throws SIGNING_FAILED, OIDC_TOKEN_MISSING, OIDC_TOKEN_FAILED, SIGSTORE_FAILED
 */
export async function trustFiles(attestation: Attestation): Promise<TrustFile[]> {
  const { dir, key, keyless, tell = () => {} } = attestation;
  const folder = join(dir, TRUST_FOLDER);
  await makeFolder(folder);
  const files = new Map<string, string>();
  const put = async (name: string, text: string) => {
    files.set(name, text);
    if (!(await isIntact(join(folder, name), sha256Text(text)))) await writeText(join(folder, name), text);
  };
  const { statements, sums } = await documentsOf(attestation);
  for (const [name, text] of statements) await put(name, text);
  await put(SUMS_FILE, sums);
  if (key !== undefined) {
    await put(KEY_FILE, key.armored);
    await put(SIGNATURE_FILE, await signatureOf(attestation, key, folder, sums));
  }
  if (keyless !== undefined)
    for (const [name, text] of statements) {
      const bundle = bundleName(name);
      await put(bundle, await bundleOf(join(folder, bundle), text, keyless, () => tell(name)));
    }
  for (const name of await listFiles(folder)) if (!files.has(name)) await remove(join(folder, name));
  return [...files].map(([name, text]) => fileOf(folder, name, text));
}

/**
 * Writes the statements about a release's files into the folder `trust`, unsigned.
 * @returns the statements, and the keyless bundles that an earlier run has made of exactly these
 */
export async function statementFiles(
  release: Pick<Attestation, 'dir' | 'manifest' | 'ids' | 'published'>,
): Promise<TrustFile[]> {
  const folder = join(release.dir, TRUST_FOLDER);
  await makeFolder(folder);
  const { statements } = await documentsOf(release);
  const files: TrustFile[] = [];
  for (const [name, text] of statements) {
    const path = join(folder, name);
    if (!(await isIntact(path, sha256Text(text)))) await writeText(path, text);
    files.push(fileOf(folder, name, text));
    const bundle = bundleName(name);
    if (!(await exists(join(folder, bundle)))) continue;
    const signed = await readText(join(folder, bundle));
    if (payloadIn(signed) === sha256Text(text)) files.push(fileOf(folder, bundle, signed));
  }
  return files;
}

const bundleName = (statement: string) => statement.replace(/\.json$/, BUNDLE_SUFFIX);

function fileOf(folder: string, name: string, text: string): TrustFile {
  return { name, path: join(folder, name), sha256: sha256Text(text), size: Buffer.byteLength(text) };
}

/** The statements, name -> text, and the SHA256SUMS of everything. */
async function documentsOf({
  dir,
  manifest,
  ids,
  published,
}: Pick<Attestation, 'dir' | 'manifest' | 'ids' | 'published'>) {
  const plan = await planOf(dir);
  const groups = madeFiles(manifest, ids);
  const statements = new Map(groups.flatMap((made) => statementsOf(made, manifest, plan, published)));
  const listed: Sum[] = [
    ...groups.flatMap((made) =>
      subjectsOf(made, published).map(({ name, digest: { sha256 } }) => ({ name, sha256 })),
    ),
    ...[...statements].map(([name, text]) => ({ name, sha256: sha256Text(text) })),
  ];
  return { statements, sums: formatTrustSums(listed) };
}

function statementsOf(
  made: MadeFiles,
  manifest: Manifest,
  plan: PlanDocument | undefined,
  published: ReadonlyMap<string, string>,
): [name: string, text: string][] {
  const subjects = subjectsOf(made, published);
  const text = (type: string, predicate: unknown) => formatStatement(statementOf(type, subjects, predicate));
  return [
    [`${made.name}.provenance.json`, text(PREDICATES.provenance, provenanceOf(made, manifest, plan))],
    [`${made.name}.tests.json`, text(PREDICATES.tests, testResultOf(made, plan))],
  ];
}

async function planOf(dir: string): Promise<PlanDocument | undefined> {
  const file = join(dir, 'plan.json');
  return (await exists(file)) ? parsePlan(file, await readText(file), sha256Text) : undefined;
}

/** The signature of SHA256SUMS: the one that is there, if this key has made it. */
async function signatureOf(
  { exec, signal, work }: Attestation,
  key: SigningKey,
  folder: string,
  sums: string,
): Promise<string> {
  const file = join(folder, SIGNATURE_FILE);
  if (await exists(file)) {
    const keyring = join(work, 'keyring.gpg');
    await writeText(keyring, dearmored(Buffer.from(key.armored)));
    const args = ['--keyring', keyring, file, join(folder, SUMS_FILE)];
    if ((await gpgv(exec, args, signal)).signer === key.signer) return readText(file);
  }
  return detachedSignature(exec, key.signer, Buffer.from(sums), signal);
}

/** The bundle of a statement: the one that is there, if it contains exactly this statement. */
async function bundleOf(
  file: string,
  statement: string,
  services: SigstoreServices,
  tell: () => void,
): Promise<string> {
  if (await exists(file)) {
    const text = await readText(file);
    if (payloadIn(text) === sha256Text(statement)) return text;
  }
  tell();
  return signKeyless(Buffer.from(statement), PAYLOAD_TYPE, await identityToken(), services);
}

/** Digest of the document in a bundle; undefined if it has none. */
function payloadIn(bundle: string): string | undefined {
  try {
    const { dsseEnvelope } = JSON.parse(bundle) as { dsseEnvelope?: { payload?: unknown } };
    const payload = dsseEnvelope?.payload;
    return typeof payload === 'string' ? sha256Bytes(Buffer.from(payload, 'base64')) : undefined;
  } catch {
    return undefined;
  }
}
