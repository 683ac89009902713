import { TurnbuildError } from '../errors.ts';
import type { Io } from '../io/index.ts';
import { isReachable, type Mirrors } from '../plan/archives.ts';
import { platformOf } from '../plan/platforms.ts';
import {
  bootstrapCommand,
  findImageCommand,
  importCommand,
  installedPackages,
  type Lender,
  ROOT_PATH,
  rootImage,
} from '../plan/roots.ts';
import type { PlannedBase } from '../plan/types.ts';
import { QEMU_TOO_OLD } from './shared/buildx.ts';
import type { ReadyBase } from './shared/context.ts';

/** What roots are made with. */
export interface BaseOptions {
  io: Io;
  cache: string;
  mirrors: Mirrors;
  /** Bootstraps anew, with the packages of today. */
  refresh: boolean;
  /** Whose tools make it, where it is foreign. Asked for when it has to be made: the lender may be in the making as well. */
  lender?: () => Promise<Lender | undefined>;
  /** Where roots are used: the builder's name, and whether it takes them as OCI layouts. */
  builder: { name: string; ociLayouts: boolean };
  onLine: (line: string) => void;
}

/** Roots of other days are kept this long (milliseconds): a release that runs may still use one. */
const KEPT_MS = 24 * 60 * 60 * 1000;

/**
 * Where bootstrapped roots of a base are kept (another mirror or another way to make them is another folder), and the
 * digest of the newest one, if there is one. Each lies in a folder named by its digest and never changes.
 */
export async function findRoot(
  base: PlannedBase,
  mirrors: Mirrors,
  { io, cache }: { io: Io; cache: string },
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

/**
 * Makes a root ready: a pinned registry image as it is, else a minimal root from the archive, kept in `cache` as an OCI
 * layout and made once for all releases. `refresh` makes it anew, with today's packages.
 */
export async function prepareBase(base: PlannedBase, options: BaseOptions): Promise<ReadyBase> {
  if (base.image !== undefined) {
    return {
      context: `docker-image://${base.image}`,
      digest: base.image.split('@')[1] ?? '',
      origin: 'registry',
    };
  }
  const { mirrors, io } = options;
  await requireArchive(base, options);
  const { dir } = await findRoot(base, mirrors, options);
  // Two releases that want the same root: one makes it, the other waits and finds it.
  const lock = await io.lockFolder(dir, io.signal);
  try {
    const { digest: old } = await findRoot(base, mirrors, options);
    const digest = old === undefined || options.refresh ? await bootstrap(base, dir, options) : old;
    const layout = layoutOf(dir, digest);
    await io.files.touch(layout);
    return {
      context: options.builder.ociLayouts
        ? `oci-layout://${layout}@${digest}`
        : `docker-image://${await importRoot(base, layout, digest, options)}`,
      digest,
      origin: 'bootstrapped',
      packages: installedPackages(await io.files.readText(`${layout}/status`)),
    };
  } finally {
    await lock.release();
  }
}

/** A root comes from an archive whose address and keys are here, or from a registry. */
async function requireArchive(base: PlannedBase, { io, mirrors }: BaseOptions): Promise<void> {
  const { archive, suite, arch } = base;
  if (!isReachable(base, arch, mirrors)) {
    const name = archive?.name ?? 'debian';
    throw new TurnbuildError(
      'MIRROR_UNKNOWN',
      `Nothing says where the ${name === 'debian' ? 'Debian archive' : `archive "${name}"`} is, so ${suite} can't be bootstrapped`,
      {
        hint:
          name === 'debian'
            ? 'Name it: --mirror URL. On Debian it is read from /etc/apt.'
            : `Name it: --mirror ${name}=URL, and --mirror ${name}/arm64=URL where that architecture has another one.`,
      },
    );
  }
  if (archive !== undefined && !(await io.files.exists(archive.keyring))) {
    throw new TurnbuildError(
      'ARCHIVE_KEYRING_MISSING',
      `The keys of the archive "${archive.name}" are not at ${archive.keyring}`,
      { hint: `Install them: apt-get install ${archive.name}-keyring` },
    );
  }
}

/** Returns the digest of the new root. */
async function bootstrap(base: PlannedBase, dir: string, options: BaseOptions): Promise<string> {
  const { io } = options;
  await io.leftovers.removeLeftovers(`${dir}/work`);
  await io.files.removeOlder(dir, KEPT_MS);
  const work = io.leftovers.temporaryName(`${dir}/work`);
  await io.files.remove(work);
  await io.files.makeFolder(work);
  try {
    const lines: string[] = [];
    const onLine = (line: string) => {
      lines.push(line);
      options.onLine(line);
    };
    const command = bootstrapCommand(base, options.mirrors, work, await options.lender?.());
    const result = await io.exec(command, { onLine, signal: io.signal });
    if (result.code !== 0) throw bootstrapError(base, result.code, lines);
    const digest = await io.writeOciLayout(work, `${work}/root.tar`, platformOf(base.arch).oci, ROOT_PATH);
    const layout = layoutOf(dir, digest);
    if (!(await io.files.exists(layout))) await io.files.moveInto(work, layout);
    await io.files.writeText(`${dir}/digest`, `${digest}\n`);
    return digest;
  } finally {
    await io.files.remove(work);
  }
}

/** Puts a root among the engine's own images, unless it is there. Returns the image's name. */
async function importRoot(
  base: PlannedBase,
  layout: string,
  digest: string,
  { io, builder, onLine }: BaseOptions,
): Promise<string> {
  const image = rootImage(base, digest);
  if ((await io.exec(findImageCommand(builder.name, image))).code === 0) return image;
  const tar = await io.rootLayer(layout, digest);
  const result = await io.exec(importCommand(base, builder.name, tar, image), { onLine, signal: io.signal });
  if (result.code === 0) return image;
  throw new TurnbuildError('ROOT_IMPORT_FAILED', `The engine did not take ${base.id}: ${result.stderr}`, {
    hint: "See the engine's own log; with the containerd image store it needs no copies of roots.",
  });
}

function bootstrapError(base: PlannedBase, code: number, lines: readonly string[]): TurnbuildError {
  const tail = lines.slice(-15).join('\n');
  if (code === 127) {
    return new TurnbuildError(
      'MMDEBSTRAP_MISSING',
      'mmdebstrap is not installed, so no root can be bootstrapped',
      {
        hint: "Run `turnbuild doctor --fix`, or pin a registry image as baseImage in the target's recipe.",
      },
    );
  }
  if (QEMU_TOO_OLD.test(tail)) {
    return new TurnbuildError(
      'QEMU_TOO_OLD',
      `QEMU is older than 6.0, so it can't run programs of ${base.id}`,
      {
        hint: 'Update qemu-user-static, then run the same command again.',
      },
    );
  }
  if (/no space left on device/i.test(tail)) {
    return new TurnbuildError('DISK_FULL', `No space left on the disk while bootstrapping ${base.id}`, {
      hint: 'Free some space and run the same command again.',
    });
  }
  return new TurnbuildError(
    'BOOTSTRAP_FAILED',
    `mmdebstrap could not make ${base.id} (exit code ${code})\n${tail}`,
    {
      hint: 'Is the mirror reachable? For a foreign architecture `turnbuild doctor --fix` registers QEMU.',
    },
  );
}
