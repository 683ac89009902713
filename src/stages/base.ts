import { TurnbuildError, usageError } from '../errors.ts';
import type { Io } from '../io/index.ts';
import { isReachable } from '../plan/archives.ts';
import { BASE_ENVIRONMENT, installedPackages } from '../plan/bases.ts';
import type { Command } from '../plan/command.ts';
import { foreignCodename } from '../plan/official-image.ts';
import { platformOf } from '../plan/platforms.ts';
import type { PlannedBase } from '../plan/types.ts';
import { type BaseOptions, type BaseWork, findBase, giveBase, layoutOf } from './shared/bases.ts';
import { buildError } from './shared/build-error.ts';
import type { ReadyBase } from './shared/context.ts';
import { machineError } from './shared/machine-error.ts';
import { runCommand } from './shared/run-command.ts';

/** Everything that is needed to make a base image. */
export interface PrepareOptions extends BaseOptions {
  io: Io;
  onLine: (line: string) => void;
}

/** How long older base images are kept, in milliseconds: a running release may still use one. */
const KEPT_MS = 24 * 60 * 60 * 1000;

/** Prepares a base image. */
export async function prepareBase(base: PlannedBase, options: PrepareOptions): Promise<ReadyBase> {
  const work = performing(base, options);
  if (base.asIs === true) return { ...(await giveBase(base, options, work)), origin: 'registry' };
  const { io } = options;
  if (base.image === undefined) await requireArchive(base, options);
  const { dir } = await findBase(base, options.mirrors, options);
  // If two releases need the same base image, one makes it and the other waits for it.
  const lock = await io.lockFolder(dir, io.signal);
  try {
    const { context, digest } = await giveBase(base, options, work);
    const layout = layoutOf(dir, digest);
    await io.files.touch(layout);
    return {
      context,
      digest,
      origin: base.image === undefined ? 'bootstrapped' : 'registry',
      packages: installedPackages(await io.files.readText(`${layout}/status`)),
    };
  } finally {
    await lock.release();
  }
}

function performing(base: PlannedBase, options: PrepareOptions): BaseWork {
  const { io, onLine } = options;
  return {
    make: (dir, commandsFor) => make(base, dir, commandsFor, options),
    tar: io.rootLayer,
    async take(command) {
      const { code, stderr } = await runCommand(options, command, { onLine, signal: io.signal });
      if (code === 0) return;
      throw new TurnbuildError(
        'ROOT_IMPORT_FAILED',
        `The Docker engine could not import ${base.id}: ${stderr}`,
        {
          hint: "See the engine's log. With the containerd image store, the engine needs no copies of base images.",
        },
      );
    },
  };
}

/** A bootstrapped base image requires the address and the keys of its archive. */
async function requireArchive(base: PlannedBase, { io, mirrors }: PrepareOptions): Promise<void> {
  const { archive, suite, arch } = base;
  if (!isReachable(base, arch, mirrors)) {
    const name = archive?.name ?? 'debian';
    throw new TurnbuildError(
      'MIRROR_UNKNOWN',
      `Cannot bootstrap ${suite}: no address is known for the ${name === 'debian' ? 'Debian archive' : `archive "${name}"`}`,
      {
        hint:
          name === 'debian'
            ? 'Set one with --mirror URL. On Debian the default comes from /etc/apt.'
            : `Set it with --mirror ${name}=URL, and with --mirror ${name}/arm64=URL if arm64 has a different address.`,
      },
    );
  }
  if (archive !== undefined && !(await io.files.exists(archive.keyring))) {
    throw new TurnbuildError(
      'ARCHIVE_KEYRING_MISSING',
      `The keyring of the archive "${archive.name}" is missing: ${archive.keyring}`,
      { hint: `Install it: apt-get install ${archive.name}-keyring` },
    );
  }
}

/** Makes a base image. Returns its digest. */
async function make(
  base: PlannedBase,
  dir: string,
  commandsFor: (work: string) => Promise<Command[]>,
  options: PrepareOptions,
): Promise<string> {
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
    for (const command of await commandsFor(work)) {
      const { code } = await runCommand(options, command, { onLine, signal: io.signal });
      if (code === 0) continue;
      throw base.image === undefined
        ? bootstrapError(base, code, lines)
        : buildError(`base:${base.id}`, lines);
    }
    await requireSuite(base, work, io);
    const digest = await io.writeOciLayout(
      work,
      `${work}/root.tar`,
      platformOf(base.arch).oci,
      BASE_ENVIRONMENT,
    );
    const layout = layoutOf(dir, digest);
    if (!(await io.files.exists(layout))) await io.files.moveInto(work, layout);
    await io.files.writeText(`${dir}/digest`, `${digest}\n`);
    return digest;
  } finally {
    await io.files.remove(work);
  }
}

/** Refuses an image of another release, because apt would mix packages of two releases. */
async function requireSuite({ image, suite }: PlannedBase, work: string, { files }: Io): Promise<void> {
  if (image === undefined) return;
  const codename = foreignCodename(await files.readText(`${work}/os-release`), suite);
  if (codename === undefined) return;
  throw usageError(
    'RECIPE_INVALID',
    `The image ${image} is for ${codename}, not for ${suite}`,
    "Correct `suite`, or the image, in the target's recipe.",
  );
}

function bootstrapError(base: PlannedBase, code: number, lines: readonly string[]): TurnbuildError {
  const last = lines.slice(-15);
  if (code === 127) {
    return new TurnbuildError(
      'MMDEBSTRAP_MISSING',
      'Cannot bootstrap a base image: mmdebstrap is not installed',
      {
        hint: 'Install it (see `turnbuild doctor`), or use official images from a registry: --roots registry',
      },
    );
  }
  const machine = machineError(
    base.id,
    last,
    'the disk of this machine',
    'Update qemu-user-static, then run the same command again.',
  );
  if (machine !== undefined) return machine;
  return new TurnbuildError(
    'BOOTSTRAP_FAILED',
    `mmdebstrap could not bootstrap ${base.id} (exit code ${code})\n${last.join('\n')}`,
    {
      hint: 'Check that the mirror is reachable. For a foreign architecture, register QEMU with `turnbuild doctor --fix`.',
    },
  );
}
