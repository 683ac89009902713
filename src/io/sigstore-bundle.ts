import { verify as verifySignature, X509Certificate } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { createRequire } from 'node:module';
import type { TrustedRoot } from '@sigstore/protobuf-specs';
import { messageOf, TurnbuildError } from '../errors.ts';

/** What a bundle proves. */
export interface VerifiedBundle {
  /** The signed document, and its content type. */
  document: Buffer;
  type: string;
  signer: CertifiedSigner;
  /** When it was signed, according to the log or a timestamp authority. */
  signedAt: Date;
}

/** What a Fulcio certificate says about its owner. Claims that it lacks are undefined. */
export interface CertifiedSigner {
  /** Subject alternative name: a workflow's URL with its ref, or an address. */
  identity: string;
  /** URL of the identity's issuer. */
  issuer: string;
  /** URL of the repository whose workflow ran. */
  repository: string | undefined;
  /** The commit of the repository that the workflow ran for. */
  commit: string | undefined;
  ref: string | undefined;
  /** URL of the workflow's run. */
  run: string | undefined;
}

/** Claims in Fulcio's certificates: 1.3.6.1.4.1.57264.1.N (fulcio, docs/oid-info.md). */
const CLAIMS = { repository: 12, commit: 13, ref: 14, run: 21 } as const;
const CLAIM_PREFIX = '1.3.6.1.4.1.57264.1.';

/** Loaded on demand, because only some commands need them. */
async function sigstore() {
  const [bundle, verify, { TrustedRoot: root }] = await Promise.all([
    import('@sigstore/bundle'),
    import('@sigstore/verify'),
    import('@sigstore/protobuf-specs'),
  ]);
  return { bundle, verify, TrustedRoot: root };
}

/**
 * Text of a trusted root -> the trusted root. Also reads JSON Lines, as `gh attestation trusted-root` prints.
 * @param name of the file, for messages
 * @throws TRUSTED_ROOT_INVALID
 */
export async function parseTrustedRoots(name: string, text: string): Promise<TrustedRoot[]> {
  const { TrustedRoot: shape, verify } = await sigstore();
  const lines = text.trimEnd().split('\n');
  try {
    const values = isJson(text) ? [JSON.parse(text)] : lines.map((line) => JSON.parse(line));
    return values.map((value) => {
      const root = shape.fromJSON(value);
      if (root.certificateAuthorities.length === 0) throw new Error('it has no certificate authority');
      verify.toTrustMaterial(root);
      return root;
    });
  } catch (error) {
    throw new TurnbuildError(
      'TRUSTED_ROOT_INVALID',
      `${name} is not a trusted root of sigstore: ${reasonOf(error)}`,
      {
        cause: error,
        hint: 'Create one with `gh attestation trusted-root` or `cosign trusted-root create`.',
      },
    );
  }
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** The trusted root of the public deployment that the installed sigstore package contains, so that nothing is downloaded. */
export async function includedTrustedRoots(): Promise<TrustedRoot[]> {
  const own = createRequire(import.meta.url);
  const seeds = createRequire(own.resolve('sigstore'))('@sigstore/tuf/seeds.json') as Record<
    string,
    { targets: Record<string, string> }
  >;
  const encoded = seeds['https://tuf-repo-cdn.sigstore.dev']?.targets['trusted_root.json'] ?? '';
  return parseTrustedRoots(
    'the trusted root of the sigstore package',
    Buffer.from(encoded, 'base64').toString(),
  );
}

/** Names in a folder that end with `suffix`, sorted; none if it cannot be read. A folder of downloads can have any number of files below it. */
export async function namesIn(folder: string, suffix: string): Promise<string[]> {
  const names = await readdir(folder).catch(() => []);
  return names.filter((name) => name.endsWith(suffix)).sort();
}

/**
 * The document in a bundle, before anything is verified. Only good for finding the bundle of a file.
 * @returns undefined if the text is not a bundle with a DSSE envelope
 */
export function unverifiedDocument(text: string): string | undefined {
  try {
    const { dsseEnvelope } = JSON.parse(text) as { dsseEnvelope?: { payload?: unknown } };
    const payload = dsseEnvelope?.payload;
    return typeof payload === 'string' ? Buffer.from(payload, 'base64').toString() : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Verifies a bundle offline: its certificate was issued by a trusted authority and logged, was valid when it signed, the signature is in a
 * trusted log, and signs the document. It does not judge who signed.
 * @param name of the bundle, for messages
 * @param roots one of them must trust it
 * @throws BUNDLE_INVALID if it is malformed, BUNDLE_UNTRUSTED if it does not verify
 */
export async function verifyBundle(
  name: string,
  text: string,
  roots: readonly TrustedRoot[],
): Promise<VerifiedBundle> {
  const { bundle: bundles, verify } = await sigstore();
  let bundle: ReturnType<typeof bundles.bundleFromJSON>;
  try {
    bundle = bundles.bundleFromJSON(JSON.parse(text));
  } catch (error) {
    throw invalid(name, error);
  }
  const { content, verificationMaterial } = bundle;
  if (content.$case !== 'dsseEnvelope') throw invalid(name, new Error('it does not contain a statement'));
  const { $case: kind } = verificationMaterial.content;
  // A public key has no identity, and no trusted root has one.
  if (kind === 'publicKey')
    throw invalid(name, new Error('it was signed with a key, not with a certificate'));
  // The log signs the time only together with its promise. Without one, the time is anybody's.
  for (const entry of verificationMaterial.tlogEntries)
    if (entry.inclusionPromise === undefined) entry.integratedTime = '0';
  const errors: unknown[] = [];
  for (const root of roots) {
    try {
      const entity = verify.toSignedEntity(bundle);
      const { identity } = new verify.Verifier(verify.toTrustMaterial(root)).verify(entity);
      const { payload, payloadType } = content.dsseEnvelope;
      const times = entity.timestamps.map((each) =>
        each.$case === 'timestamp-authority'
          ? each.timestamp.signingTime
          : new Date(Number(each.tlogEntry.integratedTime) * 1000),
      );
      const [signedAt] = times.toSorted((a, b) => a.getTime() - b.getTime());
      if (signedAt === undefined || Number.isNaN(signedAt.getTime())) throw new Error('it has no timestamp');
      return { document: Buffer.from(payload), type: payloadType, signer: signerOf(identity), signedAt };
    } catch (error) {
      errors.push(error);
    }
  }
  const [cause] = errors;
  // Other errors are those of code that expected a well-formed bundle.
  if (cause instanceof verify.VerificationError) throw untrusted(name, cause);
  throw invalid(name, cause);
}

/**
 * Whether a bundle is a signature of a document, whoever has signed.
 * @param isPublic verifies that the public deployment has certified and logged it. Trusted roots of others are not known here, so only the
 * signature is checked against the certificate.
 */
export async function isSignatureOf(
  text: string,
  document: { text: string; type: string },
  isPublic: boolean,
): Promise<boolean> {
  try {
    const { bundle: bundles } = await sigstore();
    const { content, verificationMaterial } = bundles.bundleFromJSON(JSON.parse(text));
    if (content.$case !== 'dsseEnvelope') return false;
    const { payload, payloadType, signatures } = content.dsseEnvelope;
    if (payload.toString() !== document.text || payloadType !== document.type) return false;
    if (isPublic) return await verifyBundle('', text, await includedTrustedRoots()).then(() => true);
    const { content: certified } = verificationMaterial;
    if (certified.$case === 'publicKey') return false;
    const certificate =
      certified.$case === 'certificate'
        ? certified.certificate
        : certified.x509CertificateChain.certificates[0];
    const [signature] = signatures;
    if (certificate === undefined || signature === undefined) return false;
    const { publicKey } = new X509Certificate(certificate.rawBytes);
    return verifySignature('sha256', preAuthEncoding(payloadType, payload), publicKey, signature.sig);
  } catch {
    return false;
  }
}

/** What the signature of a DSSE envelope signs (secure-systems-lab/dsse, protocol.md). */
function preAuthEncoding(type: string, payload: Buffer): Buffer {
  const head = `DSSEv1 ${Buffer.byteLength(type)} ${type} ${payload.length} `;
  return Buffer.concat([Buffer.from(head), payload]);
}

type Identity = NonNullable<
  ReturnType<InstanceType<Awaited<ReturnType<typeof sigstore>>['verify']['Verifier']>['verify']>['identity']
>;

function signerOf(identity: Identity | undefined): CertifiedSigner {
  const { subjectAlternativeName, extensions } = identity ?? {};
  if (subjectAlternativeName === undefined || extensions?.issuer === undefined)
    throw new Error('its certificate names no identity');
  const claim = (number: number) => {
    const found = identity?.oids?.find(({ oid }) => oid?.id.join('.') === `${CLAIM_PREFIX}${number}`);
    return found === undefined ? undefined : utf8String(Buffer.from(found.value));
  };
  return {
    identity: subjectAlternativeName,
    issuer: extensions.issuer,
    repository: claim(CLAIMS.repository),
    commit: claim(CLAIMS.commit),
    ref: claim(CLAIMS.ref),
    run: claim(CLAIMS.run),
  };
}

/** The text in a DER-encoded UTF8String (X.690, 8.23), up to 65,535 bytes; undefined for anything else. */
function utf8String(der: Buffer): string | undefined {
  const [tag, first = 0] = der;
  if (tag !== 0x0c) return undefined;
  const lengthBytes = first < 0x80 ? 0 : first & 0x7f;
  if (lengthBytes > 2 || der.length < 2 + lengthBytes) return undefined;
  const length = lengthBytes === 0 ? first : der.readUIntBE(2, lengthBytes);
  const text = der.subarray(2 + lengthBytes);
  return text.length === length ? text.toString('utf8') : undefined;
}

/** Errors of code that expected a well-formed document say nothing to a user. */
function reasonOf(error: unknown): string {
  const isOfCode = error instanceof TypeError || error instanceof RangeError;
  return isOfCode ? 'a part is missing or malformed' : messageOf(error);
}

function invalid(name: string, cause: unknown): TurnbuildError {
  return new TurnbuildError('BUNDLE_INVALID', `${name} is not a valid sigstore bundle: ${reasonOf(cause)}`, {
    cause,
    hint: 'It is damaged, or was tampered with. Download it again.',
  });
}

function untrusted(name: string, cause: Error): TurnbuildError {
  const reason = cause.cause instanceof Error ? `${cause.message} (${cause.cause.message})` : cause.message;
  return new TurnbuildError('BUNDLE_UNTRUSTED', `The signature in ${name} does not verify: ${reason}`, {
    cause,
    hint: 'It was tampered with, was signed with an expired certificate, or belongs to a sigstore deployment that is not trusted here: --trusted-root FILE.',
  });
}
