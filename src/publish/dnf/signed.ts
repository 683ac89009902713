import { join } from 'node:path';
import { TurnbuildError } from '../../errors.ts';
import {
  copyInto,
  exists,
  isIntact,
  makeFolder,
  moveInto,
  remove,
  sha256File,
  sizeOf,
  writeText,
} from '../../io/files.ts';
import { temporaryName } from '../../io/leftovers.ts';
import type { Store } from '../../io/store.ts';
import type { PublishedFile } from '../../manifest/published.ts';
import type { Artifact } from '../../manifest/schema.ts';
import type { Job } from '../job.ts';
import { poolPath } from './layout.ts';
import type { NewRpm } from './plan.ts';
import { identify, isSigned, signRpm, trustKey } from './tools.ts';

/** The folder of signed packages, in the release's folder. */
export const SIGNED = 'signed';

/** An .rpm has a few megabytes. */
const MAX_RPM = 256 * 1024 ** 2;

/** A signed package that is published. `sha256` is undefined if only its content tells. */
export interface PublishedRpm {
  sha256: string | undefined;
  /** Undefined: it is not there any more. */
  read(maxBytes: number): Promise<Buffer | undefined>;
}

/** Finds the published copy of a package. @param path in the release's folder */
export type PublishedRpms = (path: string) => Promise<PublishedRpm | undefined>;

/** How to sign the packages in a release's folder, `dir`. `published`: each destination's packages, its own first. */
export type Signing = Pick<Job, 'key' | 'exec' | 'signal' | 'work'> & {
  dir: string;
  published: readonly PublishedRpms[];
};

/** The signed packages in a repository. */
export function pooledRpms(store: Pick<Store, 'describe' | 'read'>): PublishedRpms {
  return async (path) => {
    const found = await store.describe(poolPath(path));
    if (found === undefined) return undefined;
    return { sha256: found.sha256, read: (maxBytes) => store.read(poolPath(path), maxBytes) };
  };
}

/**
 * Signs .rpm files, in copies. Two signatures of the same package differ, so one that was made before is used again: that of the destination,
 * which another machine may have published, that of another destination, or that in the release's folder.
 * @param files paths in the release's folder, and their targets
 * @throws RPM_TOOLS_MISSING, RPM_TOOL_FAILED, SIGNING_FAILED
 */
export async function signedRpms(
  files: readonly { path: string; target: string }[],
  signing: Signing,
): Promise<NewRpm[]> {
  const { exec, work, signal, key } = signing;
  const keyFile = join(work, 'key.asc');
  await writeText(keyFile, key.clientKeys);
  await makeFolder(join(work, 'rpmdb'));
  await trustKey(exec, keyFile, work, signal);
  const [own, ...others] = signing.published;
  const found = await Promise.all(files.map(({ path }) => own?.(path)));
  const signed: NewRpm[] = [];
  for (const [index, file] of files.entries()) {
    const published = [async () => found[index], ...others];
    signed.push(await signedRpm(file, { ...signing, published }));
  }
  return signed;
}

/** The signed packages as a manifest records them. */
export function publishedRpms(signed: readonly NewRpm[], files: readonly Artifact[]): PublishedFile[] {
  return signed.flatMap(({ file, size, sha256 }) => {
    const own = files.find(({ path }) => path === file);
    return own === undefined ? [] : [{ path: file, before: own.sha256, size, sha256 }];
  });
}

async function signedRpm(
  { path, target }: { path: string; target: string },
  signing: Signing,
): Promise<NewRpm> {
  const { dir, exec, work, signal, key } = signing;
  const unsigned = await identify(exec, join(dir, path), work, signal);
  const kept = join(dir, SIGNED, path);
  // What is published counts: clients have it.
  const copy = join(work, 'sign', path);
  const isUsable = async (file: string) => {
    if (!(await exists(file)) || !(await isSigned(exec, file, work, signal))) return false;
    return (await identify(exec, file, work, signal)).header === unsigned.header;
  };
  await remove(copy);
  for (const find of signing.published) {
    const published = await find(path);
    if (published === undefined) continue;
    const { sha256, read } = published;
    // It is downloaded only if another one is here.
    const isKept = sha256 !== undefined && (await isIntact(kept, sha256));
    const bytes = isKept ? undefined : await read(MAX_RPM);
    if (isKept) await copyInto(kept, copy);
    else if (bytes !== undefined) await writeText(copy, bytes);
    if (await isUsable(copy)) break;
  }
  if (!(await isUsable(copy))) {
    if (await isUsable(kept)) await copyInto(kept, copy);
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
  const sha256 = await sha256File(copy);
  if (!(await isIntact(kept, sha256))) {
    const part = temporaryName(kept);
    await copyInto(copy, part);
    await moveInto(part, kept);
  }
  const { name, version, architecture, built } = unsigned;
  return {
    ...{ name, version, architecture, built, file: path, target, repository: architecture },
    sha256,
    size: await sizeOf(kept),
  };
}
