import { TurnbuildError } from '../errors.ts';
import type { Exec } from '../io/exec.ts';
import { fingerprintsIn, mergedKeys } from '../io/gpg.ts';
import type { Store } from '../io/store.ts';
import { KEY_FILE } from './key-file.ts';
import type { SigningKey } from './signing-key.ts';

/** Maximum bytes of public keys. */
const MAX_KEY = 1024 ** 2;

/** Where the keys of clients come from. */
interface KeySources {
  store: Store | undefined;
  /** Public keys that clients trust as well; undefined: none. */
  extraKeys?: Uint8Array | undefined;
  exec: Exec;
  signal: AbortSignal;
  /** A folder that may not exist yet. */
  home(): Promise<string>;
}

/**
 * Decides which keys clients trust: the one that signs, and the extra ones. Only keys that the user names count, because what is in the
 * repository is not signed. Of these, newer self-signatures in the repository stay: an older export of a key does not shorten its expiry.
 * @returns the key with `clientKeys`, and what the user should know
 * @throws SIGNING_KEY_DIFFERS if clients of the repository trust other keys, SIGNING_KEY_INVALID, GPG_MISSING
 */
export async function withClientKeys(
  key: SigningKey,
  { store, extraKeys, exec, signal, home }: KeySources,
): Promise<{ key: SigningKey; notes: string[] }> {
  const extra = extraKeys === undefined ? [] : await extraFingerprints(extraKeys, { exec, signal });
  const published = await store?.read(KEY_FILE, MAX_KEY);
  const before = published === undefined ? [] : await fingerprintsIn(exec, published, signal);
  const wanted = [...new Set([key.fingerprint, ...extra])];
  const notes =
    published === undefined ? [] : keyNotes(before, wanted, key.fingerprint, store?.address ?? '');
  const isSame = published === undefined || published.toString() === key.armored;
  if (isSame && extraKeys === undefined) return { key, notes };
  // What is published is first, so that the order stays the same.
  const keys = [published, Buffer.from(key.armored), extraKeys].filter((each) => each !== undefined);
  const clientKeys = await mergedKeys(exec, { home: await home(), keys, fingerprints: wanted }, signal);
  const others = wanted.filter((each) => each !== key.fingerprint).sort();
  return { key: { ...key, clientKeys, ...(others.length > 0 ? { extraKeys: others } : {}) }, notes };
}

async function extraFingerprints(
  keys: Uint8Array,
  { exec, signal }: Pick<KeySources, 'exec' | 'signal'>,
): Promise<string[]> {
  const isSecret = Buffer.from(keys).includes('PRIVATE KEY');
  const found = isSecret ? [] : await fingerprintsIn(exec, keys, signal);
  if (found.length > 0) return found;
  throw new TurnbuildError(
    'SIGNING_KEY_INVALID',
    isSecret ? '--extra-keys has a secret key' : '--extra-keys has no public key',
    { hint: 'Write public keys to the file: gpg --armor --export FINGERPRINT' },
  );
}

function keyNotes(
  before: readonly string[],
  wanted: readonly string[],
  own: string,
  where: string,
): string[] {
  if (!before.includes(own) && (before.length === 0 || before.some((each) => !wanted.includes(each))))
    throw new TurnbuildError(
      'SIGNING_KEY_DIFFERS',
      `${where} is signed by ${before.join(', ') || 'an unreadable key'}, not by ${own}`,
      {
        hint: 'Its clients trust only that key. Pass it to --sign-with. To replace it, see "Replace the signing key" in docs/publishing.md.',
      },
    );
  const dropped = before.filter((each) => !wanted.includes(each));
  return [
    ...(before.includes(own)
      ? []
      : [
          `Clients that trust only ${before.join(', ')} refuse the repository from now on. They need the new ${KEY_FILE}.`,
        ]),
    ...dropped.map(
      (each) =>
        `${KEY_FILE} loses the key ${each}. Packages that it signed can no longer be installed by dnf.`,
    ),
  ];
}
