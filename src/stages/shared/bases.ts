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

/** What the commands of a base image are made of, in a real run and in a dry one. */
export interface BaseOptions {
  io: Pick<Io, 'files' | 'exec'>;
  cache: string;
  mirrors: Mirrors;
  /** Bootstraps anew, with the packages of today. */
  refresh: boolean;
  /** Whose tools make it, where it is foreign. Asked for when it has to be made: the lender may be in the making as well. */
  lender?: () => Promise<Lender | undefined>;
  /** Where it is used: the builder's name, and whether that takes OCI layouts. */
  builder: { name: string; ociLayouts: boolean };
  /** The user's --builder: an official image is pulled there. */
  chosenBuilder?: string | undefined;
  /** Path of recipes/docker/image. */
  imageFolder: string;
}

type Finding = Pick<BaseOptions, 'cache' | 'imageFolder'> & { io: Pick<Io, 'files'> };

/**
 * Where a base image that turnbuild makes is kept (another mirror or another way to make it is another folder), and the
 * digest of the newest one, if there is one. Each lies in a folder named by its digest and never changes.
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

/** The OCI layout of a bootstrapped base image. */
export function layoutOf(dir: string, digest: string): string {
  return `${dir}/${digest.replace('sha256:', '').slice(0, 12)}`;
}

/** A base image as buildx is given it. */
type GivenBase = Pick<ReadyBase, 'context' | 'digest'>;

/** What is done with the commands that make a base image ready: a real run performs them, and a dry run notes them. */
export interface BaseWork {
  /**
   * Makes its root file system.
   * @param commandsFor the commands, for a folder to work in
   * @returns its digest
   */
  make(dir: string, commandsFor: (work: string) => Promise<Command[]>): Promise<string>;
  /** Path of the root file system's tar, which the engine is given. */
  tar(layout: string, digest: string): Promise<string>;
  /** Puts it among the engine's own images. */
  take(command: Command): Promise<void>;
}

/**
 * Which commands make a base image ready, in what order, and what buildx is then given: an image that an .rpm is verified in as it is, else
 * a minimal root of the official image or of the archive, kept in `cache` as an OCI layout and made once for all releases.
 * `refresh` makes it anew, with today's packages.
 */
export async function giveBase(base: PlannedBase, options: BaseOptions, work: BaseWork): Promise<GivenBase> {
  if (base.image !== undefined && base.asIs === true)
    return { context: `docker-image://${base.image}`, digest: base.image.split('@')[1] ?? '' };
  const { io, mirrors, builder } = options;
  const { dir, digest: old } = await findBase(base, mirrors, options);
  // An image that is pinned stays the same.
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
