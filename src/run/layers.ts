import { chmod, rename, stat } from 'node:fs/promises';
import { join } from 'node:path';
import {
  copyInto,
  digestFiles,
  exists,
  listFiles,
  makeFolder,
  naming,
  remove,
  removeOlder,
  sha256File,
  sha256Text,
  touch,
} from '../io/files.ts';
import { removeLeftovers, temporaryName } from '../io/leftovers.ts';

/** A base folder, overlaid by the project's own. */
export interface Layers {
  base: string;
  own: string | undefined;
}

/** A merged folder that no run has used for a day is removed. */
const KEPT_MS = 24 * 3600 * 1000;

/** The path of a file in two layers. The project's file takes precedence. */
export async function layered({ base, own }: Layers, name: string): Promise<string> {
  const path = own === undefined ? undefined : join(own, name);
  return path !== undefined && (await exists(path)) ? path : join(base, name);
}

/** Names of all files of two layers, sorted. Files whose name or folder begins with a dot are ignored. */
export async function layeredFiles({ base, own }: Layers): Promise<string[]> {
  const ofOwn = own === undefined ? [] : await listFiles(own);
  const visible = ofOwn.filter((name) => !/(^|\/)\./.test(name));
  return [...new Set([...(await listFiles(base)), ...visible])].sort();
}

/**
 * Merges pairs of layers into one folder, because BuildKit cannot layer folders. The result is in the cache, is named by its content, and
 * never changes.
 * @param parts by the name of the resulting folder
 */
export async function mergeLayers(parts: Readonly<Record<string, Layers>>, cache: string): Promise<string> {
  const files = new Map<string, string>();
  for (const [part, layers] of Object.entries(parts))
    for (const name of await layeredFiles(layers)) files.set(join(part, name), await layered(layers, name));
  const digest = await digestOf(files);
  const all = join(cache, 'recipes');
  const dir = join(all, digest);
  if (!(await exists(dir)) || (await digestFiles(dir)) !== digest) await copyAll(files, dir);
  await touch(dir);
  await removeOlder(all, KEPT_MS);
  return dir;
}

/** The same digest as `digestFiles` of the merged folder. */
async function digestOf(files: ReadonlyMap<string, string>): Promise<string> {
  const names = [...files.keys()].sort();
  const lines = await Promise.all(
    names.map(async (name) => `${await sha256File(files.get(name) ?? '')}  ${name}`),
  );
  return sha256Text(lines.join('\n'));
}

async function copyAll(files: ReadonlyMap<string, string>, dir: string): Promise<void> {
  await removeLeftovers(dir);
  const work = temporaryName(dir);
  await remove(work);
  try {
    await makeFolder(work);
    for (const [name, from] of files) {
      const to = join(work, name);
      await naming(from, copyInto(from, to));
      // The cache must not be writable for others, whatever the mode of the project's file.
      await chmod(to, (await stat(to)).mode & 0o755);
    }
    await remove(dir);
    await rename(work, dir).catch((error: NodeJS.ErrnoException) => {
      // Another run has created the same content meanwhile.
      if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error;
    });
  } finally {
    await remove(work);
  }
}
