import { createPrivateKey, type KeyObject, sign, verify, X509Certificate } from 'node:crypto';
import { type PemBlock, pemBlocks } from './pem.ts';

/** The elliptic curves that Go supports. */
const CURVES = ['secp224r1', 'prime256v1', 'secp384r1', 'secp521r1'];

/** What is wrong with a setting. */
interface PairProblem {
  path: 'certificate' | 'privateKey';
  message: string;
}

/** Checks a certificate chain and its private key, both PEM. Messages are fixed texts, so that none can show the key. */
export function pairProblem(certificate: string, key: string, now: Date): PairProblem | undefined {
  const chain = pemBlocks(certificate);
  const parsed: X509Certificate[] = [];
  for (const block of chain) {
    if (block.type !== 'CERTIFICATE')
      return about('certificate', 'must have PEM blocks of type CERTIFICATE only');
    const one = parseCertificate(block.bytes);
    if (one === undefined)
      return about('certificate', `PEM block ${parsed.length + 1} is not a valid X.509 certificate`);
    parsed.push(one);
  }
  const [leaf] = parsed;
  if (leaf === undefined) return about('certificate', 'has no PEM block');
  const blocks = pemBlocks(key);
  const message = keyProblem(blocks) ?? matchProblem(leaf, blocks);
  if (message !== undefined) return about('privateKey', message);
  const [begin, end] = [new Date(leaf.validFrom), new Date(leaf.validTo)];
  if (now < begin) return about('certificate', `not valid before ${begin.toISOString().replace('.000', '')}`);
  return now > end ? about('certificate', `expired on ${end.toISOString().replace(/T.*/, '')}`) : undefined;
}

const about = (path: PairProblem['path'], message: string): PairProblem => ({ path, message });

/** A certificate that Go accepts, too; undefined for any other. */
function parseCertificate(bytes: Buffer): X509Certificate | undefined {
  try {
    const certificate = new X509Certificate(bytes);
    const { raw, publicKey, validFrom, validTo } = certificate;
    // OpenSSL ignores what follows the certificate, and damaged dates.
    if (raw.length !== bytes.length || [validFrom, validTo].some((date) => Number.isNaN(Date.parse(date))))
      return undefined;
    return publicKey.asymmetricKeyType === 'ec' && !isSupported(publicKey) ? undefined : certificate;
  } catch {
    return undefined;
  }
}

/** Other blocks may come before the key, such as the parameters that `openssl ecparam` writes: turnserver skips them as well. */
function keyProblem(blocks: readonly PemBlock[]): string | undefined {
  for (const { type, headers } of blocks) {
    if (type === 'ENCRYPTED PRIVATE KEY' || (headers.get('DEK-Info') ?? '') !== '')
      return 'is encrypted; give it without a passphrase';
    if (type.endsWith('PRIVATE KEY')) return undefined;
  }
  return blocks.length === 0 ? 'has no PEM block' : 'has no PEM block of a private key';
}

function matchProblem(certificate: X509Certificate, blocks: readonly PemBlock[]): string | undefined {
  const block = blocks.find(({ type }) => /(^| )PRIVATE KEY$/.test(type));
  const key = block === undefined ? undefined : parseKey(block.bytes);
  const own = certificate.publicKey;
  if (key === undefined || !isSupported(key) || !isSupported(own) || !isConsistent(key))
    return 'is not a valid RSA, ECDSA or Ed25519 key';
  return certificate.checkPrivateKey(key) && canSign(key, own) ? undefined : 'does not match the certificate';
}

/** Whether the parts of an RSA key belong together. OpenSSL uses what is left of a damaged key. */
function isConsistent(key: KeyObject): boolean {
  if (key.asymmetricKeyType !== 'rsa') return true;
  const jwk = key.export({ format: 'jwk' });
  const [n, e, d, p, q, dp, dq, qi] = [jwk.n, jwk.e, jwk.d, jwk.p, jwk.q, jwk.dp, jwk.dq, jwk.qi].map(
    (part) => BigInt(`0x0${Buffer.from(part ?? '', 'base64url').toString('hex')}`),
  ) as [bigint, bigint, bigint, bigint, bigint, bigint, bigint, bigint];
  const isExponent = (prime: bigint, remainder: bigint) =>
    prime > 1n && (e * d) % (prime - 1n) === 1n && remainder === d % (prime - 1n);
  return n === p * q && isExponent(p, dp) && isExponent(q, dq) && (q * qi) % p === 1n;
}

/** Whether signatures of a key are valid. OpenSSL compares only public keys, which a damaged private key has, too. */
function canSign(key: KeyObject, own: KeyObject): boolean {
  const data = Buffer.from('turnbuild');
  const digest = key.asymmetricKeyType === 'ed25519' ? null : 'sha256';
  try {
    return verify(digest, data, own, sign(digest, data, key));
  } catch {
    return false;
  }
}

/** Tries every encoding, because Go ignores which one the type of the block names. */
function parseKey(key: Buffer): KeyObject | undefined {
  for (const type of ['pkcs1', 'pkcs8', 'sec1'] as const) {
    try {
      return createPrivateKey({ key, format: 'der', type });
    } catch {}
  }
  return undefined;
}

function isSupported({ asymmetricKeyType: type, asymmetricKeyDetails }: KeyObject): boolean {
  return type === 'ec'
    ? CURVES.includes(asymmetricKeyDetails?.namedCurve ?? '')
    : type === 'rsa' || type === 'ed25519';
}
