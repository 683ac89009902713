import type { Io } from '../../io/index.ts';
import type { Mirrors } from '../../plan/archives.ts';
import {
  bootstrapCommand,
  engineImage,
  findImageCommand,
  importCommand,
  type Lender,
} from '../../plan/bases.ts';
import type { Command } from '../../plan/command.ts';
import { imageFactsCommand, imageRootCommand } from '../../plan/official-image.ts';
import type { PlannedBase } from '../../plan/types.ts';
import type { ReadyBase } from './context.ts';

/** The inputs of a base image's commands, in real and dry runs. */
export interface BaseOptions {
  io: Pick<Io, 'files' | 'exec'>;
  cache: string;
  mirrors: Mirrors;
  /** Bootstrap again from current packages. */
  refresh: boolean;
  /** The base image whose tools make a foreign one. Called only when needed, because the lender may still be in progress. */
  lender?: () => Promise<Lender | undefined>;
  /** The builder that uses the base image: its name, and whether it takes OCI layouts. */
  builder: { name: string; ociLayouts: boolean };
  /** The user's --builder, which pulls official images. */
  chosenBuilder?: string | undefined;
  /** Path of recipes/docker/image. */
  imageFolder: string;
}

type Finding = Pick<BaseOptions, 'cache' | 'imageFolder'> & { io: Pick<Io, 'files'> };

/**
 * The cache folder of a base image that turnbuild makes (different for another mirror or recipe), and the digest of the
 * newest one, if any. Each image is in a folder named by its digest and never changes.
 */
export async function findBase(
  base: PlannedBase,
  mirrors: Mirrors,
  { io, cache, imageFolder }: Finding,
): Promise<{ dir: string; digest: string | undefined }> {
  const { image } = base;
  const recipe =
    image === undefined
      ? JSON.stringify(bootstrapCommand(base, mirrors, '').args)
      : JSON.stringify([
          imageRootCommand({ ...base, image }, mirrors, '', { folder: '' }).args,
          await io.files.digestFiles(imageFolder),
        ]);
  const dir = `${cache}/bases/${base.id}-${io.files.sha256Text(recipe).slice(0, 12)}`;
  const there = await io.files.exists(`${dir}/digest`);
  return { dir, digest: there ? (await io.files.readText(`${dir}/digest`)).trim() : undefined };
}

/** The folder with the OCI layout of a base image that turnbuild makes. */
export function layoutOf(dir: string, digest: string): string {
  return `${dir}/${digest.replace('sha256:', '').slice(0, 12)}`;
}

/** A base image in the form that buildx takes. */
type GivenBase = Pick<ReadyBase, 'context' | 'digest'>;

/** What to do with the commands that prepare a base image: a real run performs them, a dry run records them. */
export interface BaseWork {
  /**
   * Makes its root file system.
   * @param commandsFor the commands, for a folder to work in
   * @returns its digest
   */
  make(dir: string, commandsFor: (work: string) => Promise<Command[]>): Promise<string>;
  /** Path of the root file system's tar, for the engine. */
  tar(layout: string, digest: string): Promise<string>;
  /** Imports the base image into the engine's image store. */
  take(command: Command): Promise<void>;
}

/**
 * Runs the commands that prepare a base image, in order, and returns it for buildx. An image for verifying an .rpm is used unchanged. Any
 * other is a minimal root from an official image or the archive, cached as an OCI layout for all releases. `refresh` repeats bootstrapping.
 */
export async function giveBase(base: PlannedBase, options: BaseOptions, work: BaseWork): Promise<GivenBase> {
  if (base.image !== undefined && base.asIs === true)
    return { context: `docker-image://${base.image}`, digest: base.image.split('@')[1] ?? '' };
  const { io, mirrors, builder } = options;
  const { dir, digest: old } = await findBase(base, mirrors, options);
  // A pinned image never changes.
  const refresh = options.refresh && base.image === undefined;
  const commandsFor = (folder: string) => commandsOf(base, folder, options);
  const digest = old === undefined || refresh ? await work.make(dir, commandsFor) : old;
  const layout = layoutOf(dir, digest);
  if (builder.ociLayouts) return { context: `oci-layout://${layout}@${digest}`, digest };
  const image = engineImage(base, digest);
  if ((await io.exec(findImageCommand(builder.name, image))).code !== 0)
    await work.take(importCommand(base, builder.name, await work.tar(layout, digest), image));
  return { context: `docker-image://${image}`, digest };
}

/** The commands that put `root.tar` and `status` into a folder. */
async function commandsOf(
  base: PlannedBase,
  folder: string,
  { mirrors, lender, imageFolder, chosenBuilder }: BaseOptions,
): Promise<Command[]> {
  const { image } = base;
  if (image === undefined) return [bootstrapCommand(base, mirrors, folder, await lender?.())];
  const build = { folder: imageFolder, builder: chosenBuilder };
  return [
    imageFactsCommand(image, base.arch, folder, build),
    imageRootCommand({ ...base, image }, mirrors, folder, build),
  ];
}
