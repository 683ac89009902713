import { join } from 'node:path';
import { TurnbuildError } from '../../errors.ts';
import { naming } from '../../io/files.ts';
import { readRegular } from '../../io/regular-file.ts';
import {
  type CertifiedSigner,
  includedTrustedRoots,
  namesIn,
  parseTrustedRoots,
  unverifiedDocument,
  type VerifiedBundle,
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
  const roots =
    trustedRoot === undefined
      ? await includedTrustedRoots()
      : await parseTrustedRoots(trustedRoot, await read(trustedRoot));
  const verify = async (file: string, text: string) =>
    proofIn(artifact, expected, { file, ...(await verifyBundle(file, text, roots)) });
  const proofs: IdentityProof[] = [];
  if (bundles !== undefined) {
    for (const file of bundles) proofs.push(await verify(file, await read(file)));
    if (proofs.length === 0) throw missing(artifact, 0);
    return proofs;
  }
  let seen = 0;
  const others: TurnbuildError[] = [];
  for (const folder of folders) {
    const names = await namesIn(folder, BUNDLE_SUFFIX);
    seen += names.length;
    for (const file of names.map((name) => join(folder, name))) {
      // What cannot be read, or is too large, is no bundle of the file.
      const text = await read(file).catch(() => '');
      if (!mayBeAbout(unverifiedDocument(text), artifact)) continue;
      try {
        proofs.push(await verify(file, text));
      } catch (error) {
        if (!(error instanceof TurnbuildError) || !OTHERS.includes(error.code)) throw error;
        others.push(error);
      }
    }
    if (proofs.length > 0) return proofs;
  }
  throw others[0] ?? missing(artifact, seen);
}

/** Anybody may sign something about a file. Such a bundle beside it proves nothing, but does no harm. */
const OTHERS = ['SIGNER_DIFFERS', 'STATEMENT_UNKNOWN'];

/** What a verified bundle proves about a file. */
function proofIn(
  artifact: Artifact,
  expected: ExpectedIdentity,
  { file, document, type, signer, signedAt }: VerifiedBundle & { file: string },
): IdentityProof {
  const problem = identityProblem(expected, signer);
  if (problem !== undefined)
    throw new TurnbuildError('SIGNER_DIFFERS', `${file} is not signed by the expected identity: ${problem}`, {
      hint: 'Get the file from its publisher, or correct --repository, --identity and --issuer.',
    });
  if (type !== PAYLOAD_TYPE)
    throw new TurnbuildError('STATEMENT_INVALID', `${file} contains ${type}, not an in-toto statement`);
  const statement = parseStatement(file, document.toString());
  requireAbout(artifact, statement, file);
  return { ...signer, bundle: file, signedAt, statement };
}

function missing(artifact: Artifact, seen: number): TurnbuildError {
  return new TurnbuildError(
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
