import { TurnbuildError } from '../errors.ts';
import type { Io } from '../io/index.ts';
import type { Command } from '../plan/command.ts';
import { platformOf } from '../plan/platforms.ts';
import type { PlannedBase } from '../plan/types.ts';
import type { ReadyBase } from './shared/context.ts';

/** Where Debian's packages come from on this machine. */
export interface Mirrors {
  debian: string;
  security?: string | undefined;
}

/** The one command that bootstraps a root; it is the same for the same base, so its digest names the result. */
export function bootstrapCommand(base: PlannedBase, mirrors: Mirrors, tar: string): Command {
  const lines = [
    `deb ${mirrors.debian} ${base.suite} main`,
    `deb ${mirrors.debian} ${base.suite}-updates main`,
  ];
  if (mirrors.security !== undefined) lines.push(`deb ${mirrors.security} ${base.suite}-security main`);
  return {
    file: 'mmdebstrap',
    args: [
      '--variant=minbase',
      `--architectures=${platformOf(base.arch).debian}`,
      '--format=tar',
      base.suite,
      tar,
      ...lines,
    ],
    // mmdebstrap clamps all times to it, so that the same packages give the same bytes on another day.
    env: { SOURCE_DATE_EPOCH: '1', LC_ALL: 'C.UTF-8', TZ: 'UTC' },
    effect: 'write',
  };
}

/** Where a bootstrapped root is kept (another mirror or another way to make it is another folder), and its digest if it is there. */
export async function findRoot(
  base: PlannedBase,
  mirrors: Mirrors,
  { io, cache }: { io: Io; cache: string },
): Promise<{ dir: string; digest: string | undefined }> {
  const recipe = JSON.stringify(bootstrapCommand(base, mirrors, 'root.tar').args);
  const dir = `${cache}/bases/${base.id}-${io.files.sha256Text(recipe).slice(0, 12)}`;
  const there = await io.files.exists(`${dir}/digest`);
  return { dir, digest: there ? (await io.files.readText(`${dir}/digest`)).trim() : undefined };
}

/**
 * Makes a root ready: a pinned registry image as it is, else a minimal root from the archive, kept in `cache` as an OCI
 * layout and made once for all releases. `refresh` makes it anew, with today's packages.
 */
export async function prepareBase(
  base: PlannedBase,
  options: {
    io: Io;
    cache: string;
    mirrors: Mirrors | undefined;
    refresh: boolean;
    onLine: (line: string) => void;
  },
): Promise<ReadyBase> {
  if (base.image !== undefined) {
    return {
      context: `docker-image://${base.image}`,
      digest: base.image.split('@')[1] ?? '',
      origin: 'registry',
    };
  }
  const { mirrors } = options;
  if (mirrors === undefined) {
    throw new TurnbuildError(
      'MIRROR_UNKNOWN',
      `Nothing says where the Debian archive is, so ${base.suite} can't be bootstrapped`,
      {
        hint: 'Name it: --mirror URL. On Debian it is read from /etc/apt.',
      },
    );
  }
  const root = await findRoot(base, mirrors, options);
  const digest =
    root.digest === undefined || options.refresh
      ? await bootstrap(base, root.dir, { ...options, mirrors })
      : root.digest;
  return { context: `oci-layout://${root.dir}@${digest}`, digest, origin: 'bootstrapped' };
}

/** Returns the digest of the new root. */
async function bootstrap(
  base: PlannedBase,
  dir: string,
  options: Parameters<typeof prepareBase>[1] & { mirrors: Mirrors },
): Promise<string> {
  const { io } = options;
  await io.leftovers.removeLeftovers(dir);
  const work = io.leftovers.temporaryName(dir);
  await io.files.remove(work);
  await io.files.makeFolder(work);
  try {
    const tar = `${work}/root.tar`;
    const lines: string[] = [];
    const onLine = (line: string) => {
      lines.push(line);
      options.onLine(line);
    };
    const result = await io.exec(bootstrapCommand(base, options.mirrors, tar), { onLine, signal: io.signal });
    if (result.code !== 0) throw bootstrapError(base, result.code, lines);
    const digest = await io.writeOciLayout(work, tar, platformOf(base.arch).oci);
    await io.files.writeText(`${work}/digest`, `${digest}\n`);
    await io.files.moveInto(work, dir);
    return digest;
  } finally {
    await io.files.remove(work);
  }
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
