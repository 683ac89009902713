import { type ExecResult, runProcess } from '../io/exec.ts';
import { imageFactsCommand } from '../plan/official-image.ts';
import type { Arch } from '../plan/platforms.ts';
import { imageFolder } from './bases.ts';
import type { Session } from './session.ts';

/**
 * Exports an official image's facts into a temporary folder, which is removed after `read`. A dry run exports them too, because that changes
 * nothing.
 * @param wanted `resolve` adds the image's provenance
 */
export async function withImageFacts<T>(
  { io, cache, recipes, options }: Session,
  { image, arch, resolve }: { image: string; arch: Arch; resolve?: true },
  limits: { signal: AbortSignal; timeout?: number },
  read: (result: ExecResult, folder: string) => Promise<T>,
): Promise<T> {
  // Images are exported in parallel, each into its own folder.
  const name = io.files.sha256Text(`${image} ${arch}`).slice(0, 12);
  const folder = io.leftovers.temporaryName(`${cache}/image-${name}`);
  const build = {
    folder: imageFolder(recipes),
    builder: options.builder,
    ...(resolve === undefined ? {} : { resolve }),
  };
  try {
    return await read(await runProcess(imageFactsCommand(image, arch, folder, build), limits), folder);
  } finally {
    await io.files.remove(folder);
  }
}
