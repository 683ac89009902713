import { join } from 'node:path';
import { TurnbuildError } from '../../errors.ts';
import type { Exec } from '../../io/exec.ts';
import { copyInto, exists, makeFolder, moveInto, sha256File, sizeOf, writeText } from '../../io/files.ts';
import { temporaryName } from '../../io/leftovers.ts';
import type { Store } from '../../io/store.ts';
import type { SigningKey } from '../signing-key.ts';
import { poolPath } from './layout.ts';
import type { NewRpm } from './plan.ts';
import { identify, isSigned, signRpm, trustKey } from './tools.ts';

/** The folder of signed packages, in the release's folder. */
export const SIGNED = 'signed';

/** An .rpm has a few megabytes. */
const MAX_RPM = 256 * 1024 ** 2;

/** How to sign a release's packages. */
export interface Signing {
  /** The release's folder. */
  dir: string;
  store: Store;
  key: SigningKey;
  exec: Exec;
  signal: AbortSignal;
  /** An existing folder for temporary files. */
  work: string;
}

/**
 * Signs .rpm files, in copies. Two signatures of the same package differ, so one that was made before is used again: that in the release's
 * folder, or that in the repository, which another machine may have published.
 * @param files paths in the release's folder, and their targets
 * @throws RPM_TOOLS_MISSING, RPM_TOOL_FAILED, SIGNING_FAILED
 */
export async function signedRpms(
  files: readonly { path: string; target: string }[],
  signing: Signing,
): Promise<NewRpm[]> {
  const { exec, work, signal, key } = signing;
  const keyFile = join(work, 'key.asc');
  await writeText(keyFile, key.armored);
  await makeFolder(join(work, 'rpmdb'));
  await trustKey(exec, keyFile, work, signal);
  const signed: NewRpm[] = [];
  for (const file of files) signed.push(await signedRpm(file, signing));
  return signed;
}

async function signedRpm(
  { path, target: of }: { path: string; target: string },
  signing: Signing,
): Promise<NewRpm> {
  const { dir, exec, work, signal, key } = signing;
  const unsigned = await identify(exec, join(dir, path), work, signal);
  const target = join(dir, SIGNED, path);
  // What is published counts: clients have it.
  const copy = join(work, 'sign', path);
  const isUsable = async (file: string) => {
    if (!(await exists(file)) || !(await isSigned(exec, file, work, signal))) return false;
    return (await identify(exec, file, work, signal)).header === unsigned.header;
  };
  const published = await signing.store.read(poolPath(path), MAX_RPM);
  if (published !== undefined) await writeText(copy, published);
  if (published === undefined || !(await isUsable(copy))) {
    if (await isUsable(target)) await copyInto(target, copy);
    else {
      await copyInto(join(dir, path), copy);
      await signRpm(exec, copy, key.signer, signal);
      if (!(await isUsable(copy)))
        throw new TurnbuildError(
          'SIGNING_FAILED',
          `rpmkeys rejects the signature of ${path} made by rpmsign`,
          {
            hint: 'Look at the key: gpg --list-secret-keys --with-subkey-fingerprint',
          },
        );
    }
  }
  if (!(await exists(target)) || (await sha256File(target)) !== (await sha256File(copy))) {
    const part = temporaryName(target);
    await copyInto(copy, part);
    await moveInto(part, target);
  }
  const { name, version, architecture, built } = unsigned;
  return {
    ...{ name, version, architecture, built, file: path, target: of, repository: architecture },
    sha256: await sha256File(target),
    size: await sizeOf(target),
  };
}
