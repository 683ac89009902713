import { TurnbuildError, usageError } from '../errors.ts';
import { runProcess } from '../io/exec.ts';
import { imageDigestCommand, imageFactsCommand, resolvedDigest } from '../plan/official-image.ts';
import { imageDigest, type Target } from '../recipe/schema.ts';
import { pinImages } from '../sources/lock.ts';
import { readLock, readLocks, writeLock } from '../sources/lock-file.ts';
import { imageFolder } from './bases.ts';
import { type BuilderFacts, ownArch } from './builder.ts';
import type { Session } from './session.ts';

/** Where base images come from, as --roots says. */
type Roots = 'auto' | 'registry' | 'bootstrap';

/** A registry that does not answer must not hold up a release that can do without. */
const TIMEOUT_MS = 30_000;

/**
 * The digests of the official images that targets start from, by name and tag: those of the lock file, else those of today, which
 * `--update-lock` pins. Undefined where base images are bootstrapped: by choice, or because one of the images can't be pulled.
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

/** The official images that targets start from, each once. A recipe's own image takes the place of its official one. */
export function imagesOf(targets: readonly Target[]): string[] {
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

/** The pins that count: `--refresh-base --update-lock` pins all images anew. */
async function pinsOf({ options, locks }: Session): Promise<Readonly<Record<string, string>>> {
  if (options.refreshBase === true && options.updateLock === true) return {};
  return (await readLocks(locks)).images ?? {};
}

/** Pins what is not pinned yet, or says how to. */
async function pinNew(
  { options, locks, output }: Session,
  images: Readonly<Record<string, string>>,
  pins: Readonly<Record<string, string>>,
): Promise<void> {
  const unpinned = Object.entries(images).filter(([name]) => pins[name] === undefined);
  if (unpinned.length === 0) return;
  if (options.updateLock !== true) {
    const names = unpinned.map(([name]) => name).join(', ');
    output.line(`note: not in the lock file: ${names}. --update-lock pins today's digest.`);
    return;
  }
  if (options.dryRun === true) return;
  await writeLock(locks.own, pinImages(await readLock(locks.own), Object.fromEntries(unpinned)));
  output.line(`Pinned ${unpinned.map(([name]) => name).join(', ')} in ${locks.own}`);
}

interface Resolved {
  digest?: string | undefined;
  /** Why there is none. */
  reason?: string;
}

/**
 * Asks the builder for an image, because its mirrors, proxies and credentials count.
 * @param pin the digest that it must have; the one that its tag names today without it
 */
export async function resolveImage(
  { io, cache, recipes, options }: Session,
  image: string,
  pin: string | undefined,
  { ociLayouts }: Pick<BuilderFacts, 'ociLayouts'>,
): Promise<Resolved> {
  const reference = pin === undefined ? image : `${image}@${pin}`;
  // Asking changes nothing, so a dry run does it as well.
  const ask: typeof runProcess = (command) => runProcess(command, { signal: io.signal, timeout: TIMEOUT_MS });
  if (!ociLayouts) {
    const { code, stdout, stderr } = await ask(imageDigestCommand(reference));
    if (code !== 0) return { reason: reasonIn(stderr) };
    const { success, data } = imageDigest.safeParse(stdout.trim());
    return success ? { digest: data } : { reason: `the registry answered "${lastLine(stdout)}"` };
  }
  // Images are resolved side by side, each in a folder of its own.
  const work = io.leftovers.temporaryName(`${cache}/image-${io.files.sha256Text(image).slice(0, 12)}`);
  try {
    const build = { folder: imageFolder(recipes), builder: options.builder, resolve: true as const };
    const { code, stderr } = await ask(imageFactsCommand(reference, ownArch(), work, build));
    if (code !== 0) return { reason: reasonIn(stderr) };
    const file = `${work}/provenance.json`;
    if (!(await io.files.exists(file))) return { reason: 'the builder records no provenance' };
    const digest = resolvedDigest(await io.files.readText(file));
    return digest === undefined ? { reason: 'its provenance names no digest' } : { digest };
  } finally {
    await io.files.remove(work);
  }
}

const lastLine = (text: string) => text.trim().split('\n').at(-1) ?? '';

/** Why buildx failed: its last line, without the words that only say that it did. */
const reasonIn = (stderr: string) => lastLine(stderr).replace(/^ERROR: (failed to solve: )?/, '');
