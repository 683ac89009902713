import { join, resolve } from 'node:path';
import { EXIT } from '../errors.ts';
import { lockFolder } from '../io/folder-lock.ts';
import { fetchShown } from '../run/fetch-shown.ts';
import type { CommonOptions } from '../run/options.ts';
import { openSession, type Session } from '../run/session.ts';
import { type ResolvedSource, writeSource } from '../sources/fetch.ts';
import type { Output } from '../ui/output.ts';

/** `turnbuild source`: fetches, checks and normalises the sources only. */
export async function source(
  version: string | undefined,
  options: CommonOptions,
  output: Output,
  signal: AbortSignal,
): Promise<number> {
  const session = await openSession(options, output, signal, 'release');
  const found = await fetchShown(session, version ?? session.coturn);
  const dir = join(session.options.out ?? 'dist', found.version);
  const tar = options.dryRun === true ? undefined : await writeLocked(found, resolve(dir), session);
  if (options.json === true) output.data({ ...found, tar });
  else {
    output.line(`coturn ${found.version} from ${found.location}`);
    output.line(`  sha256 ${found.sha256}`);
    output.line(`  tree   ${found.tree}`);
    if (tar !== undefined) output.line(`  normalised sources: ${tar}`);
  }
  return EXIT.ok;
}

/** Holds the folder's lock, so that the sources of a running release do not change between its steps. */
async function writeLocked(found: ResolvedSource, dir: string, { io }: Session): Promise<string> {
  const lock = await lockFolder(dir);
  try {
    return await writeSource(found, dir, io);
  } finally {
    await lock.release();
  }
}
