import { TurnbuildError, usageError } from '../errors.ts';
import { runProcess } from '../io/exec.ts';
import { imageDigestCommand, imageFactsCommand, resolvedDigest } from '../plan/official-image.ts';
import { imageDigest, type Target } from '../recipe/schema.ts';
import { imageFolder } from './bases.ts';
import { type BuilderFacts, ownArch } from './builder.ts';
import type { Session } from './session.ts';

/** Where base images come from, as --roots says. */
type Roots = 'auto' | 'registry' | 'bootstrap';

/** A registry that does not answer must not hold up a release that can do without. */
const TIMEOUT_MS = 30_000;

/**
 * The digests of the official images that targets start from, by name and tag; undefined where base images are bootstrapped: by choice, or
 * because the registry of one of them does not answer.
 * @throws OPTION_INVALID; IMAGE_UNRESOLVED with `--roots registry`
 */
export async function officialImages(
  session: Session,
  targets: readonly Target[],
  builder: Pick<BuilderFacts, 'ociLayouts'>,
): Promise<Record<string, string> | undefined> {
  const roots = rootsOption(session.options.roots);
  const names = new Set(
    targets.flatMap(({ baseImage, image }) =>
      baseImage === undefined && image !== undefined ? [image] : [],
    ),
  );
  if (roots === 'bootstrap' || names.size === 0) return undefined;
  const resolved = await Promise.all(
    [...names].sort().map(async (name) => ({ name, ...(await resolve(session, name, builder)) })),
  );
  const failed = resolved.find(({ digest }) => digest === undefined);
  if (failed === undefined)
    return Object.fromEntries(resolved.map(({ name, digest = '' }) => [name, digest]));
  if (roots === 'auto') return undefined;
  throw new TurnbuildError('IMAGE_UNRESOLVED', `Cannot pull ${failed.name}: ${failed.reason}`, {
    hint: 'Check that the builder reaches the registry, or bootstrap base images instead: --roots bootstrap',
  });
}

function rootsOption(word: string | undefined): Roots {
  // Until the lock file pins images, a registry would make other packages tomorrow than today.
  if (word === undefined) return 'bootstrap';
  if (word === 'auto' || word === 'registry' || word === 'bootstrap') return word;
  throw usageError('OPTION_INVALID', `Invalid --roots "${word}": expected auto, registry or bootstrap`);
}

interface Resolved {
  digest?: string | undefined;
  /** Why there is none. */
  reason?: string;
}

async function resolve(
  { io, cache, recipes, options }: Session,
  image: string,
  { ociLayouts }: Pick<BuilderFacts, 'ociLayouts'>,
): Promise<Resolved> {
  // Asking changes nothing, so a dry run does it as well.
  const ask: typeof runProcess = (command) => runProcess(command, { signal: io.signal, timeout: TIMEOUT_MS });
  if (!ociLayouts) {
    const { code, stdout, stderr } = await ask(imageDigestCommand(image));
    if (code !== 0) return { reason: lastLine(stderr) };
    const { success, data } = imageDigest.safeParse(stdout.trim());
    return success ? { digest: data } : { reason: `the registry answered "${lastLine(stdout)}"` };
  }
  // Images are resolved side by side, each in a folder of its own.
  const work = io.leftovers.temporaryName(`${cache}/image-${io.files.sha256Text(image).slice(0, 12)}`);
  try {
    const build = { folder: imageFolder(recipes), builder: options.builder, resolve: true as const };
    const { code, stderr } = await ask(imageFactsCommand(image, ownArch(), work, build));
    if (code !== 0) return { reason: lastLine(stderr) };
    const file = `${work}/provenance.json`;
    if (!(await io.files.exists(file))) return { reason: 'the builder records no provenance' };
    const digest = resolvedDigest(await io.files.readText(file));
    return digest === undefined ? { reason: 'its provenance names no digest' } : { digest };
  } finally {
    await io.files.remove(work);
  }
}

const lastLine = (text: string) => text.trim().split('\n').at(-1) ?? '';
