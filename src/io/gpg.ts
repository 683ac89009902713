import { TurnbuildError } from '../errors.ts';
import { type Exec, type ExecResult, requireSpace } from './exec.ts';

/** What gpg says about a secret key. */
export interface KeyListing {
  /** `--list-secret-keys --with-colons`: GnuPG, doc/DETAILS. Empty if gpg has no such key. */
  colons: string;
  /** `--list-packets` of the public key. */
  packets: string;
  /** The public key with ASCII armor. */
  armored: string;
}

/** Reads a key. @param fingerprint of the primary key @throws GPG_MISSING, SIGNING_FAILED */
export async function readSecretKey(
  exec: Exec,
  fingerprint: string,
  signal?: AbortSignal,
): Promise<KeyListing> {
  const args = ['--with-colons', '--fixed-list-mode', '--list-secret-keys', fingerprint];
  const { code, stdout: colons, stderr } = await gpg(exec, args, { signal, effect: 'read' });
  if (code !== 0 && !/No secret key|not found/i.test(stderr))
    throw new TurnbuildError('SIGNING_FAILED', `gpg cannot read its keys:\n${stderr.trim()}`, {
      hint: 'Look at them: gpg --list-secret-keys. GNUPGHOME selects another folder of keys.',
    });
  if (code !== 0) return { colons: '', packets: '', armored: '' };
  // Complete: gpg's minimal export lacks expired subkeys, which have signed what is published.
  const options = ['--armor', '--export', fingerprint];
  const { stdout: armored } = await gpg(exec, options, { signal, effect: 'read' });
  const { stdout: packets } = await gpg(exec, ['--list-packets'], { signal, effect: 'read', input: armored });
  return { colons, packets, armored: `${armored}\n` };
}

/** The fingerprints of the primary keys in a file of public keys. @throws GPG_MISSING */
export async function fingerprintsIn(exec: Exec, keys: Uint8Array, signal?: AbortSignal): Promise<string[]> {
  const args = ['--with-colons', '--show-keys'];
  const { stdout } = await gpg(exec, args, { signal, effect: 'read', input: keys });
  return [...stdout.matchAll(/^pub:.*\n(?:(?!fpr:).*\n)*fpr:{9}([0-9A-F]+):/gm)].map(
    ([, found = '']) => found,
  );
}

/**
 * Merges public keys: of a key that occurs several times, the newest self-signatures count, with its expiry. Signatures of others are
 * left out.
 * @param home an empty folder
 * @param keys contents of files of public keys, with or without ASCII armor
 * @param fingerprints of the primary keys that are wanted
 * @returns one block with ASCII armor
 * @throws GPG_MISSING, SIGNING_KEY_INVALID
 */
export async function mergedKeys(
  exec: Exec,
  {
    home,
    keys,
    fingerprints,
  }: { home: string; keys: readonly Uint8Array[]; fingerprints: readonly string[] },
  signal?: AbortSignal,
): Promise<string> {
  const own = ['--homedir', home, '--no-autostart', '--trust-model', 'always'];
  for (const input of keys)
    await gpg(exec, [...own, '--import-options', 'self-sigs-only', '--import'], {
      signal,
      effect: 'read',
      input,
    });
  const { stdout, stderr } = await gpg(exec, [...own, '--armor', '--export', ...fingerprints], {
    signal,
    effect: 'read',
  });
  if (stdout !== '') return `${stdout}\n`;
  throw new TurnbuildError('SIGNING_KEY_INVALID', `gpg cannot merge public keys:\n${stderr.trim()}`);
}

/**
 * Signs a text within it (RFC 9580, 7).
 * @param fingerprint of the primary key or of a subkey that signs
 * @throws GPG_MISSING, SIGNING_FAILED
 */
export async function clearsign(
  exec: Exec,
  fingerprint: string,
  text: string,
  signal?: AbortSignal,
): Promise<string> {
  return sign(exec, fingerprint, ['--clearsign'], text, signal);
}

/** Signs bytes in a file of its own, with ASCII armor. @throws GPG_MISSING, SIGNING_FAILED */
export async function detachedSignature(
  exec: Exec,
  fingerprint: string,
  bytes: Uint8Array,
  signal?: AbortSignal,
): Promise<string> {
  return sign(exec, fingerprint, ['--armor', '--detach-sign'], bytes, signal);
}

async function sign(
  exec: Exec,
  fingerprint: string,
  how: readonly string[],
  input: string | Uint8Array,
  signal: AbortSignal | undefined,
): Promise<string> {
  // The exclamation mark forces exactly this key. Without it, gpg chooses among its subkeys.
  const args = ['--digest-algo', 'SHA512', '--local-user', `${fingerprint}!`, ...how];
  const { code, stdout, stderr } = await gpg(exec, args, { signal, effect: 'write', input });
  if (code === 0) return `${stdout}\n`;
  throw new TurnbuildError('SIGNING_FAILED', `gpg cannot sign with ${fingerprint}:\n${stderr.trim()}`, {
    hint: 'If the key has a passphrase, gpg-agent must know it, or must be able to ask for it: export GPG_TTY=$(tty)',
  });
}

async function gpg(
  exec: Exec,
  args: readonly string[],
  {
    signal,
    effect,
    input,
  }: { signal: AbortSignal | undefined; effect: 'read' | 'write'; input?: string | Uint8Array },
): Promise<ExecResult> {
  const command = { file: 'gpg', args: ['--batch', '--no-tty', ...args], env: { LC_ALL: 'C' }, effect };
  const result = await exec(command, {
    ...(signal === undefined ? {} : { signal }),
    ...(input === undefined ? {} : { input }),
  });
  if (result.code === 127)
    throw new TurnbuildError('GPG_MISSING', 'gpg is not installed, so nothing can be signed', {
      hint: 'Install gpg and gpg-agent: turnbuild doctor --for publish --fix',
    });
  requireSpace(result, "gpg's files");
  return result;
}
