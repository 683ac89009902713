import { join } from 'node:path';
import type { Exec } from '../../io/exec.ts';
import {
  exists,
  isIntact,
  listFiles,
  makeFolder,
  readText,
  remove,
  sha256Text,
  writeText,
} from '../../io/files.ts';
import { detachedSignature } from '../../io/gpg.ts';
import { dearmored, gpgv } from '../../io/gpgv.ts';
import { identityToken, type SigstoreServices, signKeyless, sigstoreServices } from '../../io/sigstore.ts';
import { isSignatureOf } from '../../io/sigstore-bundle.ts';
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
  /** Path in the release's folder -> digest of the file that users get instead. */
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
  /** Called with the name of each keyless bundle that is removed, because it is not a signature of the statement as it is now. */
  tellRemoved?: (name: string) => void;
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
 * Writes statements about a release's files, SHA256SUMS of both, and signatures into the folder `trust` of the release. Signatures of both
 * kinds that are there already and still fit are kept: they differ each time, and a keyless one is logged publicly. Other files are removed.
 * @returns the files to publish beside the release's
 * @throws SIGNING_FAILED, OIDC_TOKEN_MISSING, OIDC_TOKEN_FAILED, SIGSTORE_FAILED
 */
export async function trustFiles(attestation: Attestation): Promise<TrustFile[]> {
  const { dir, keyless, tell = () => {}, tellRemoved = () => {} } = attestation;
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
  const signed = await signatureOf(attestation, folder, sums);
  if (signed !== undefined) {
    await put(KEY_FILE, signed.key);
    await put(SIGNATURE_FILE, signed.signature);
  }
  for (const [name, text] of statements) {
    const bundle = bundleName(name);
    const kept = await keptBundle(join(folder, bundle), text, keyless);
    if (kept !== undefined) await put(bundle, kept);
    else if (keyless !== undefined) {
      tell(name);
      await put(bundle, await signKeyless(Buffer.from(text), PAYLOAD_TYPE, await identityToken(), keyless));
    } else if (await exists(join(folder, bundle))) tellRemoved(bundle);
  }
  for (const name of await listFiles(folder)) if (!files.has(name)) await remove(join(folder, name));
  return [...files].map(([name, text]) => fileOf(folder, name, text));
}

/**
 * Writes the statements about a release's files into the folder `work`, unsigned.
 * @returns the statements, the keyless bundles of exactly these that an earlier run has put into the folder `trust` of the release, and the names
 * of other bundles that are there instead
 */
export async function statementFiles(
  release: Pick<Attestation, 'dir' | 'manifest' | 'ids' | 'published' | 'work'>,
): Promise<{ statements: TrustFile[]; bundles: TrustFile[]; others: string[] }> {
  const folder = join(release.dir, TRUST_FOLDER);
  const documents = await documentsOf(release);
  const [statements, bundles]: [TrustFile[], TrustFile[]] = [[], []];
  const others: string[] = [];
  for (const [name, text] of documents.statements) {
    await writeText(join(release.work, name), text);
    statements.push(fileOf(release.work, name, text));
    const bundle = bundleName(name);
    const kept = await keptBundle(join(folder, bundle), text);
    if (kept !== undefined) bundles.push(fileOf(folder, bundle, kept));
    else if (await exists(join(folder, bundle))) others.push(bundle);
  }
  return { statements, bundles, others };
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

/** A signature of SHA256SUMS and its public key: those that are there if they fit, by any key if none is given; else new ones. */
async function signatureOf(
  { exec, signal, work, key }: Attestation,
  folder: string,
  sums: string,
): Promise<{ key: string; signature: string } | undefined> {
  const [file, keyFile] = [join(folder, SIGNATURE_FILE), join(folder, KEY_FILE)];
  if ((await exists(file)) && (key !== undefined || (await exists(keyFile)))) {
    const armored = key?.armored ?? (await readText(keyFile));
    const keyring = join(work, 'keyring.gpg');
    await writeText(keyring, dearmored(Buffer.from(armored)));
    const args = ['--keyring', keyring, file, join(folder, SUMS_FILE)];
    const { signer } = await gpgv(exec, args, signal);
    if (signer !== undefined && signer === (key?.signer ?? signer))
      return { key: armored, signature: await readText(file) };
  }
  if (key === undefined) return undefined;
  const signature = await detachedSignature(exec, key.signer, Buffer.from(sums), signal);
  return { key: key.armored, signature };
}

/** The bundle that is there, if it is a valid signature of exactly this statement. */
async function keptBundle(
  file: string,
  statement: string,
  services?: SigstoreServices,
): Promise<string | undefined> {
  if (!(await exists(file))) return undefined;
  const text = await readText(file);
  const isPublic = Object.values(services ?? sigstoreServices()).every((url) => url === undefined);
  const document = { text: statement, type: PAYLOAD_TYPE };
  return (await isSignatureOf(text, document, isPublic)) ? text : undefined;
}
