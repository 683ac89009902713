import { TurnbuildError, usageError } from '../errors.ts';
import { runProcess } from '../io/exec.ts';
import { imageDigestCommand, resolvedDigest } from '../plan/official-image.ts';
import { imageDigest, type Target } from '../recipe/schema.ts';
import { pinImages } from '../sources/lock.ts';
import { readLock, readLocks, writeLock } from '../sources/lock-file.ts';
import { type BuilderFacts, ownArch } from './builder.ts';
import { withImageFacts } from './image-facts.ts';
import type { Session } from './session.ts';

/** Values of --roots. */
type Roots = 'auto' | 'registry' | 'bootstrap';

/** A registry that does not answer must not delay a release that can bootstrap its base images. */
const TIMEOUT_MS = 30_000;

/**
 * Resolves the targets' official images to digests, by name and tag. A pinned image has the digest in the lock file, any other the current
 * digest of its tag, which `--update-lock` pins.
 * @returns undefined if base images are bootstrapped: by choice, or because an image cannot be pulled
 * @throws OPTION_INVALID; IMAGE_UNRESOLVED with `--roots registry`
 */
export async function officialImages(
  session: Session,
  targets: readonly Target[],
  builder: Pick<BuilderFacts, 'ociLayouts'>,
): Promise<Record<string, string> | undefined> {
  const { options, output } = session;
  const roots = rootsOption(options.roots ?? process.env.TURNBUILD_ROOTS);
  const names = imagesOf(targets);
  if (roots === 'bootstrap' || names.length === 0) return undefined;
  const pins = await pinsOf(session);
  const resolved = await Promise.all(
    names.map(async (name) => ({ name, ...(await resolveImage(session, name, pins[name], builder)) })),
  );
  const failed = resolved.find(({ digest }) => digest === undefined);
  if (failed === undefined) {
    const images = Object.fromEntries(resolved.map(({ name, digest = '' }) => [name, digest]));
    await pinNew(session, images, pins);
    return images;
  }
  if (roots === 'registry') {
    throw new TurnbuildError('IMAGE_UNRESOLVED', `Cannot pull ${failed.name}: ${failed.reason}`, {
      hint: 'Check that the builder reaches the registry, or bootstrap base images instead: --roots bootstrap',
    });
  }
  output.line(`Bootstrapping base images, because ${failed.name} cannot be pulled: ${failed.reason}`);
  return undefined;
}

/** The targets' official images, without duplicates. A recipe's `baseImage` takes precedence over its official `image`. */
function imagesOf(targets: readonly Target[]): string[] {
  const names = targets.flatMap(({ baseImage, image }) =>
    baseImage === undefined && image !== undefined ? [image] : [],
  );
  return [...new Set(names)].sort();
}

function rootsOption(word: string | undefined): Roots {
  if (word === undefined || word === '') return 'auto';
  if (word === 'auto' || word === 'registry' || word === 'bootstrap') return word;
  throw usageError('OPTION_INVALID', `Invalid --roots "${word}": expected auto, registry or bootstrap`);
}

/** The pins in effect: none with `--refresh-base --update-lock`, which pins all images again. */
async function pinsOf({ options, locks }: Session): Promise<Readonly<Record<string, string>>> {
  if (options.refreshBase === true && options.updateLock === true) return {};
  return (await readLocks(locks)).images ?? {};
}

/** With `--update-lock`, pins the unpinned images; otherwise prints how to pin them. */
async function pinNew(
  { options, locks, output }: Session,
  images: Readonly<Record<string, string>>,
  pins: Readonly<Record<string, string>>,
): Promise<void> {
  const unpinned = Object.entries(images).filter(([name]) => pins[name] === undefined);
  if (unpinned.length === 0) return;
  if (options.updateLock !== true) {
    const names = unpinned.map(([name]) => name).join(', ');
    output.line(`note: not pinned in the lock file: ${names}. Pin today's digest with --update-lock.`);
    return;
  }
  if (options.dryRun === true) return;
  await writeLock(locks.own, pinImages(await readLock(locks.own), Object.fromEntries(unpinned)));
  output.line(`Pinned ${unpinned.map(([name]) => name).join(', ')} in ${locks.own}`);
}

interface Resolved {
  digest?: string | undefined;
  /** Why the image could not be resolved. */
  reason?: string;
}

/**
 * Resolves an image to a digest. If possible, the builder queries the registry, so that its mirrors, proxies and credentials apply.
 * @param pin the pinned digest; undefined for the current digest of the tag
 */
export async function resolveImage(
  session: Session,
  image: string,
  pin: string | undefined,
  { ociLayouts }: Pick<BuilderFacts, 'ociLayouts'>,
): Promise<Resolved> {
  const { files, signal } = session.io;
  const reference = pin === undefined ? image : `${image}@${pin}`;
  const limits = { signal, timeout: TIMEOUT_MS };
  if (!ociLayouts) {
    const { code, stdout, stderr } = await runProcess(imageDigestCommand(reference), limits);
    if (code !== 0) return { reason: reasonIn(stderr) };
    const { success, data } = imageDigest.safeParse(stdout.trim());
    return success ? { digest: data } : { reason: `the registry answered "${lastLine(stdout)}"` };
  }
  const wanted = { image: reference, arch: ownArch(), resolve: true as const };
  return withImageFacts(session, wanted, limits, async ({ code, stderr }, folder) => {
    if (code !== 0) return { reason: reasonIn(stderr) };
    const file = `${folder}/provenance.json`;
    if (!(await files.exists(file))) return { reason: 'the builder records no provenance' };
    const digest = resolvedDigest(await files.readText(file));
    return digest === undefined ? { reason: 'its provenance contains no digest' } : { digest };
  });
}

const lastLine = (text: string) => text.trim().split('\n').at(-1) ?? '';

/** Why buildx failed: the last line of its output, without its prefix. */
const reasonIn = (stderr: string) => lastLine(stderr).replace(/^ERROR: (failed to solve: )?/, '');
