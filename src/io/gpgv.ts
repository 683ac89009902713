import { TurnbuildError } from '../errors.ts';
import type { Exec } from './exec.ts';

/** Hash algorithms that a signature may use (RFC 4880, 9.4): SHA-256, 384, 512, 224. MD5 and SHA-1 can be forged. */
const STRONG_HASHES = new Set(['8', '9', '10', '11']);

/** What gpgv found. */
export interface Signed {
  /**
   * Fingerprint of the key or subkey in the keyring that made a good signature with a strong hash; undefined if there is none, or a bad one
   * as well.
   */
  signer: string | undefined;
  /** Fingerprint of the primary key that `signer` belongs to. */
  primary: string | undefined;
  /** A name that this key has given itself, e.g. `Packages <packages@example.org>`. */
  userId: string | undefined;
  /** The signed text, if gpgv was told to print it. */
  stdout: string;
  /** gpgv's messages and status lines. */
  stderr: string;
}

/**
 * Verifies a signature.
 * @param args of gpgv, except --status-fd
 * @param options.expired also trusts a signature whose key has expired since
 * @throws GPGV_MISSING
 */
export async function gpgv(
  exec: Exec,
  args: readonly string[],
  signal?: AbortSignal,
  { expired = false }: { expired?: boolean } = {},
): Promise<Signed> {
  const command = { file: 'gpgv', args: ['--status-fd', '2', ...args], effect: 'read' } as const;
  const { code, stdout, stderr } = await exec(command, signal === undefined ? {} : { signal });
  if (code === 127)
    throw new TurnbuildError('GPGV_MISSING', "gpgv is not installed, so a signature can't be checked", {
      hint: 'apt-get install gpgv',
    });
  const { signer, primary, userId } = signerIn(stderr, expired);
  return { signer, primary, userId, stdout, stderr };
}

/**
 * Reads gpgv's status lines (GnuPG, doc/DETAILS) as apt does: requires a good signature with a strong hash by a key in
 * the keyring, and no bad one. gpgv's exit code is too strict: the next release's key, which an older keyring lacks,
 * also signs Debian's suites.
 * @returns the fingerprints of the key or subkey that made the first such signature, and of its primary key, and the name of that
 */
function signerIn(status: string, expired: boolean): Partial<Pick<Signed, 'signer' | 'primary' | 'userId'>> {
  let good = false;
  let userId: string | undefined;
  let found: ReturnType<typeof signerIn> = {};
  for (const [, word = '', rest = ''] of status.matchAll(/^\[GNUPG:\] (\w+)(.*)$/gm)) {
    if (word === 'BADSIG' || word === 'REVKEYSIG' || word === 'EXPSIG') return {};
    // VALIDSIG also follows the signature of an expired key, so it counts only right after GOODSIG.
    if (word === 'VALIDSIG') {
      const [signer, , , , , , , hash = '', , primary = signer] = rest.trim().split(' ');
      if (good && STRONG_HASHES.has(hash) && found.signer === undefined) found = { signer, primary, userId };
    }
    if (word === 'NEWSIG') good = false;
    if (word === 'GOODSIG' || (expired && word === 'EXPKEYSIG')) {
      good = true;
      userId = plainText(rest.trim().replace(/^\S+ ?/, '')) || undefined;
    }
  }
  return found;
}

/** gpgv writes control characters and percent signs as `%XX`. */
function plainText(escaped: string): string {
  return escaped.replace(/%([0-7][0-9A-F])/gi, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
}

/** The bytes of an armored OpenPGP block (RFC 9580, 6.2), or the given bytes if they are not armored. gpgv reads no armored keyring. */
export function dearmored(bytes: Buffer): Buffer {
  const text = bytes.toString('latin1');
  const [, body] =
    /^-----BEGIN PGP [A-Z ]+-----\r?\n(?:[^\r\n]+\r?\n)*\r?\n([A-Za-z0-9+/=\s]+)-----END/m.exec(text) ?? [];
  if (body === undefined) return bytes;
  const lines = body.split(/\s+/).filter((line) => line !== '' && !line.startsWith('='));
  return Buffer.from(lines.join(''), 'base64');
}
