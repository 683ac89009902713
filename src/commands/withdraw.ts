import { usageError } from '../errors.ts';
import type { Store } from '../io/store.ts';
import { CHANNELS } from '../publish/plan.ts';
import { publishedReleases } from '../publish/publish.ts';
import { namedReleases } from '../publish/releases.ts';
import { noticePath } from '../publish/withdrawn.ts';
import { openSession } from '../run/session.ts';
import type { Output } from '../ui/output.ts';
import { addressOf, extentOf, journalFolder, unknownRelease, withdrawnFrom } from './published.ts';
import { changeRepository, type RepositoryOptions, withRepository } from './repository.ts';

/** `turnbuild withdraw`: takes a release out of all channels. Its files stay. */
export async function withdraw(
  word: string,
  options: RepositoryOptions,
  output: Output,
  signal: AbortSignal,
): Promise<number> {
  const session = await openSession(options, output, signal);
  const reason = options.reason?.trim() ?? '';
  if (reason === '')
    throw usageError('ARGUMENT_MISSING', '--reason is missing: why the release is withdrawn');
  return withRepository(session, options, async (repository) => {
    const base = { ...repository, dir: journalFolder(session) };
    const extent = extentOf(session);
    const published = await publishedReleases(base, CHANNELS, extent);
    const known = published.flatMap(({ releases }) => releases);
    // A run that was killed may have withdrawn it already.
    const releases = namedReleases(word, [...known, ...(await withdrawnFrom(base))]);
    if (releases.length > 1)
      throw usageError(
        'RELEASE_AMBIGUOUS',
        `${word} has several published revisions: ${releases.join(', ')}`,
        'Name one of them.',
      );
    if (releases.length === 0) throw unknownRelease(`repository in ${addressOf(base)}`, word, known);
    return changeRepository(
      session,
      {
        ...base,
        changes: CHANNELS.map((channel) => ({
          channel,
          change: { verb: 'withdraw', releases, reason, ...extent },
        })),
        head: { verb: 'withdraw', releases, reason, accepted: [] },
      },
      `Withdrew coturn ${releases.join(', ')}. Machines that have it keep it until they get another version.${noticesOf(base.store, releases)}`,
    );
  });
}

function noticesOf(store: Store | undefined, releases: readonly string[]): string {
  return store === undefined ? '' : ` Notice: ${releases.map(noticePath).join(', ')}`;
}
