import { dirname, join } from 'node:path';
import { usageError } from '../errors.ts';
import { exists, readText, sha256Text } from '../io/files.ts';
import { releaseDigest } from '../manifest/published.ts';
import { parseManifest } from '../manifest/store.ts';
import { findTarget } from '../plan/index.ts';
import { type PackageGroup, verifiedPackages } from '../publish/packages.ts';
import type { Publication } from '../publish/publish.ts';
import { architecturesOption, listOption } from '../run/options.ts';
import { requireIntact } from '../run/outputs.ts';
import { openSession, type Session } from '../run/session.ts';
import type { Output } from '../ui/output.ts';
import { findManifest } from './find-manifest.ts';
import {
  changeRepository,
  channelOption,
  type Repository,
  type RepositoryOptions,
  withRepository,
} from './repository.ts';

/** Options of `turnbuild publish`. */
export interface PublishOptions extends RepositoryOptions {
  channel?: string;
}

/** `turnbuild publish`: adds the packages of a release to a channel of a repository. */
export async function publish(
  version: string | undefined,
  options: PublishOptions,
  output: Output,
  signal: AbortSignal,
): Promise<number> {
  const session = await openSession(options, output, signal);
  return withRepository(session, options, async (repository) => {
    const { publication, groups } = await publicationOf(session, version, options, repository);
    for (const { target, arch, cannotHere } of groups)
      if (cannotHere.length > 0)
        output.line(
          `note: ${target} ${arch}: these checks could not run where it was verified: ${cannotHere.join(', ')}`,
        );
    return changeRepository(
      session,
      publication,
      `Published coturn ${publication.head.releases.join(', ')}.`,
    );
  });
}

async function publicationOf(
  session: Session,
  version: string | undefined,
  options: PublishOptions,
  repository: Repository,
): Promise<{ publication: Publication; groups: PackageGroup[] }> {
  const { targets: known } = session.recipes;
  const channel = channelOption(options.channel ?? 'testing');
  const file = await findManifest(await releaseFolder(version, session.options.out ?? 'dist'));
  const manifest = parseManifest(file, await readText(file), sha256Text);
  const dir = dirname(file);
  const targets = listOption(options.target);
  for (const name of targets ?? []) findTarget(name, known);
  const architectures = architecturesOption(options.arch);
  const groups = verifiedPackages(manifest, { targets, architectures });
  for (const { id, files } of groups) await requireIntact(id, files, { dir });
  const suites = new Map(groups.map(({ target }) => [target, findTarget(target, known).suite ?? '']));
  const suiteOf = (target: string) => suites.get(target) ?? '';
  const publication: Publication = {
    ...repository,
    dir,
    changes: [{ channel, change: { verb: 'publish', dir, manifest, groups, suiteOf } }],
    head: {
      verb: 'publish',
      releases: [manifest.packageVersion],
      manifest: releaseDigest(manifest, sha256Text),
      accepted: [...new Set(groups.flatMap(({ accepted }) => accepted))].sort(),
    },
  };
  return { publication, groups };
}

/** A version's folder among the results, or the given path. @throws MANIFEST_MISSING */
export async function releaseFolder(version: string | undefined, out: string): Promise<string> {
  if (version === undefined) return out;
  const own = join(out, version);
  if (await exists(own)) return own;
  if (await exists(version)) return version;
  throw usageError(
    'MANIFEST_MISSING',
    `There is no release ${version} in ${out}`,
    'Build it with `turnbuild release`, or pass the path of its folder.',
  );
}
