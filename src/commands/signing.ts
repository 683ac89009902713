import type { Exec } from '../io/exec.ts';
import { readSecretKey } from '../io/gpg.ts';
import { givenKey, withGivenKey } from '../io/gpg-home.ts';
import { parseFingerprint, type SigningKey, suitableKey } from '../publish/signing-key.ts';
import type { Session } from '../run/session.ts';

/** The key that signs, and an exec whose gpg has it. */
export interface Signer {
  exec: Exec;
  key: SigningKey | undefined;
}

/**
 * Provides the key named by the option or the project, or that of TURNBUILD_SIGNING_KEY or TURNBUILD_SIGNING_KEY_FILE.
 * @param word the value of --sign-with
 * @param forRpm whether it signs .rpm files
 * @param use receives no key if none is named
 * @throws OPTION_INVALID, SIGNING_KEY_INVALID, SIGNING_KEY_MISSING, SIGNING_KEY_UNSUITABLE
 */
export async function withSigner<T>(
  { io, publish }: Session,
  word: string | undefined,
  forRpm: boolean,
  use: (signer: Signer) => Promise<T>,
): Promise<T> {
  const named = word ?? publish.signWith;
  const fingerprint = named === undefined ? undefined : parseFingerprint(named);
  const keyOf = async (exec: Exec, own: string) =>
    suitableKey(own, await readSecretKey(exec, own, io.signal), { now: Date.now(), forRpm });
  const given = await givenKey();
  if (given !== undefined)
    return withGivenKey(io.exec, given, async (exec, own) =>
      use({ exec, key: await keyOf(exec, fingerprint ?? own) }),
    );
  const { exec } = io;
  return use({ exec, key: fingerprint === undefined ? undefined : await keyOf(exec, fingerprint) });
}
