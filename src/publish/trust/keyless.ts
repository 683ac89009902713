import { join } from 'node:path';
import { TurnbuildError } from '../../errors.ts';
import { exists, listFiles, naming } from '../../io/files.ts';
import { readRegular } from '../../io/regular-file.ts';
import {
  type CertifiedSigner,
  includedTrustedRoots,
  parseTrustedRoots,
  unverifiedDocument,
  verifyBundle,
} from '../../io/sigstore-bundle.ts';
import { type Artifact, isAbout, requireAbout, type SignedStatement } from './evidence.ts';
import { type ExpectedIdentity, identityProblem } from './identity.ts';
import { BUNDLE_SUFFIX } from './names.ts';
import { PAYLOAD_TYPE, parseStatement } from './statement.ts';

/** A keyless signature of a statement about a file. */
export interface IdentityProof extends CertifiedSigner {
  /** Path of the bundle. */
  bundle: string;
  signedAt: Date;
  statement: SignedStatement;
}

const MAX_FILE = 16 * 1024 ** 2;

const read = async (file: string) => (await naming(file, readRegular(file, MAX_FILE))).toString();

/**
 * Requires a keyless signature about a file by an identity. Verifies offline.
 * @param bundles paths of bundles, each of which must be about the file; undefined: those in `folders` that name its digest
 * @param trustedRoot path of a trusted root; undefined: the one that turnbuild contains
 * @returns one proof or more
 * @throws SIGNATURE_MISSING, SIGNER_DIFFERS, and the errors of parseTrustedRoots, verifyBundle, parseStatement and requireAbout
 */
export async function verifyBundles(
  artifact: Artifact,
  expected: ExpectedIdentity,
  {
    bundles,
    folders,
    trustedRoot,
  }: { bundles?: readonly string[]; folders: readonly string[]; trustedRoot?: string },
): Promise<IdentityProof[]> {
  const files = bundles ?? (await bundlesAbout(artifact, folders));
  const roots =
    trustedRoot === undefined
      ? await includedTrustedRoots()
      : await parseTrustedRoots(trustedRoot, await read(trustedRoot));
  const proofs: IdentityProof[] = [];
  for (const file of files) {
    const { document, type, signer, signedAt } = await verifyBundle(file, await read(file), roots);
    const problem = identityProblem(expected, signer);
    if (problem !== undefined)
      throw new TurnbuildError(
        'SIGNER_DIFFERS',
        `${file} is not signed by the expected identity: ${problem}`,
        {
          hint: 'Get the file from its publisher, or correct --repository, --identity and --issuer.',
        },
      );
    if (type !== PAYLOAD_TYPE)
      throw new TurnbuildError('STATEMENT_INVALID', `${file} contains ${type}, not an in-toto statement`);
    const statement = parseStatement(file, document.toString());
    requireAbout(artifact, statement, file);
    proofs.push({ ...signer, bundle: file, signedAt, statement });
  }
  return proofs;
}

/** The bundles in some folders that name a file's digest, verified or not. */
async function bundlesAbout(artifact: Artifact, folders: readonly string[]): Promise<string[]> {
  let seen = 0;
  for (const folder of folders) {
    if (!(await exists(folder))) continue;
    const names = (await listFiles(folder)).filter(
      (name) => name.endsWith(BUNDLE_SUFFIX) && !name.includes('/'),
    );
    seen += names.length;
    const about: string[] = [];
    for (const name of names) {
      const file = join(folder, name);
      if (mayBeAbout(unverifiedDocument(await read(file)), artifact)) about.push(file);
    }
    if (about.length > 0) return about;
  }
  throw new TurnbuildError(
    'SIGNATURE_MISSING',
    seen === 0
      ? `There are no bundles (*${BUNDLE_SUFFIX}) beside ${artifact.name}`
      : `None of the ${seen} bundles beside ${artifact.name} is about this file, with the sha256 ${artifact.sha256}`,
    {
      hint: 'Download the bundles of its release into the folder of the file, or pass --bundle FILE. If they are there, the file was changed.',
    },
  );
}

function mayBeAbout(document: string | undefined, artifact: Artifact): boolean {
  try {
    return document !== undefined && isAbout(parseStatement('', document), artifact);
  } catch {
    return false;
  }
}
