import type { Io } from '../../io/index.ts';
import type { Mirrors } from '../../plan/archives.ts';
import type { Command } from '../../plan/command.ts';
import {
  bootstrapCommand,
  findImageCommand,
  importCommand,
  type Lender,
  rootImage,
} from '../../plan/roots.ts';
import type { PlannedBase } from '../../plan/types.ts';
import type { ReadyBase } from './context.ts';

/** What the commands of a root are made of, in a real run and in a dry one. */
export interface RootOptions {
  io: Pick<Io, 'files' | 'exec'>;
  cache: string;
  mirrors: Mirrors;
  /** Bootstraps anew, with the packages of today. */
  refresh: boolean;
  /** Whose tools make it, where it is foreign. Asked for when it has to be made: the lender may be in the making as well. */
  lender?: () => Promise<Lender | undefined>;
  /** Where roots are used: the builder's name, and whether it takes them as OCI layouts. */
  builder: { name: string; ociLayouts: boolean };
}

/**
 * Where bootstrapped roots of a base are kept (another mirror or another way to make them is another folder), and the
 * digest of the newest one, if there is one. Each lies in a folder named by its digest and never changes.
 */
export async function findRoot(
  base: PlannedBase,
  mirrors: Mirrors,
  { io, cache }: { io: Pick<Io, 'files'>; cache: string },
): Promise<{ dir: string; digest: string | undefined }> {
  const recipe = JSON.stringify(bootstrapCommand(base, mirrors, '').args);
  const dir = `${cache}/bases/${base.id}-${io.files.sha256Text(recipe).slice(0, 12)}`;
  const there = await io.files.exists(`${dir}/digest`);
  return { dir, digest: there ? (await io.files.readText(`${dir}/digest`)).trim() : undefined };
}

/** The OCI layout of a bootstrapped root. */
export function layoutOf(dir: string, digest: string): string {
  return `${dir}/${digest.replace('sha256:', '').slice(0, 12)}`;
}

/** A root as buildx is given it. */
type GivenRoot = Pick<ReadyBase, 'context' | 'digest'>;

/** What is done with the commands that make a root ready: a real run performs them, and a dry run notes them. */
export interface RootWork {
  /**
   * Makes a new root.
   * @param commandFor the command, for a folder to work in
   * @returns its digest
   */
  bootstrap(dir: string, commandFor: (work: string) => Promise<Command>): Promise<string>;
  /** Path of the root's tar, which the engine is given. */
  tar(layout: string, digest: string): Promise<string>;
  /** Puts it among the engine's own images. */
  take(command: Command): Promise<void>;
}

/**
 * Which commands make a root ready, in what order, and what buildx is then given: a pinned registry image as it is, else a minimal root
 * from the archive, kept in `cache` as an OCI layout and made once for all releases. `refresh` makes it anew, with today's packages.
 */
export async function giveRoot(base: PlannedBase, options: RootOptions, work: RootWork): Promise<GivenRoot> {
  if (base.image !== undefined)
    return { context: `docker-image://${base.image}`, digest: base.image.split('@')[1] ?? '' };
  const { io, mirrors, builder } = options;
  const { dir, digest: old } = await findRoot(base, mirrors, options);
  const commandFor = async (folder: string) =>
    bootstrapCommand(base, mirrors, folder, await options.lender?.());
  const digest = old === undefined || options.refresh ? await work.bootstrap(dir, commandFor) : old;
  const layout = layoutOf(dir, digest);
  if (builder.ociLayouts) return { context: `oci-layout://${layout}@${digest}`, digest };
  const image = rootImage(base, digest);
  if ((await io.exec(findImageCommand(builder.name, image))).code !== 0)
    await work.take(importCommand(base, builder.name, await work.tar(layout, digest), image));
  return { context: `docker-image://${image}`, digest };
}
