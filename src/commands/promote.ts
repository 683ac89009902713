import { resolve } from 'node:path';
import { usageError } from '../errors.ts';
import type { Extent } from '../publish/change.ts';
import { publishedReleases } from '../publish/publish.ts';
import { namedReleases } from '../publish/releases.ts';
import { requireNotWithdrawn, withdrawnReleases } from '../publish/withdrawn.ts';
import { openSession, type Session } from '../run/session.ts';
import type { Output } from '../ui/output.ts';
import { changeRepository, channelOption, type RepositoryOptions, withRepository } from './repository.ts';

/** Options of `turnbuild promote`. */
export interface PromoteOptions extends RepositoryOptions {
  from?: string;
  channel?: string;
}

/** `turnbuild promote`: makes a published release the newest one of a channel. An older release than the channel's newest rolls it back. */
export async function promote(
  word: string,
  options: PromoteOptions,
  output: Output,
  signal: AbortSignal,
): Promise<number> {
  const session = await openSession(options, output, signal);
  return withRepository(session, options, async (repository) => {
    const base = { ...repository, dir: folderOf(session) };
    const channel = channelOption(options.channel ?? 'stable');
    const from = channelOption(options.from ?? 'testing');
    const extent = extentOf(session);
    const published = await publishedReleases(base, [...new Set([from, channel])], extent);
    const known = published.flatMap(({ releases }) => releases);
    const release =
      namedReleases(word, known).at(-1) ?? namedReleases(word, await withdrawnReleases(base.store)).at(-1);
    if (release !== undefined) await requireNotWithdrawn(base.store, [release]);
    for (const to of base.destinations) {
      const there = published.filter((each) => each.to === to).flatMap(({ releases }) => releases);
      if (release === undefined || !there.includes(release))
        throw unknownRelease(`${to} repository in ${base.store.address}`, release ?? word, there);
    }
    if (release === undefined) throw unknownRelease(base.store.address, word, []);
    return changeRepository(
      session,
      {
        ...base,
        changes: [{ channel, change: { verb: 'promote', release, from, ...extent } }],
        head: { verb: 'promote', releases: [release], accepted: [] },
      },
      `${channel} now has coturn ${release}.`,
    );
  });
}

/** Options of `turnbuild withdraw`. */
export type WithdrawOptions = RepositoryOptions;

/** `turnbuild withdraw`: takes a release out of all channels. Its files stay. */
export async function withdraw(
  word: string,
  options: WithdrawOptions,
  output: Output,
  signal: AbortSignal,
): Promise<number> {
  const session = await openSession(options, output, signal);
  const reason = options.reason?.trim() ?? '';
  if (reason === '')
    throw usageError('ARGUMENT_MISSING', '--reason is missing: why the release is withdrawn');
  return withRepository(session, options, async (repository) => {
    const base = { ...repository, dir: folderOf(session) };
    const channels = ['testing', 'stable'] as const;
    const extent = extentOf(session);
    const published = await publishedReleases(base, channels, extent);
    const known = published.flatMap(({ releases }) => releases);
    // A run that was killed may have withdrawn it already.
    const releases = namedReleases(word, [...known, ...(await withdrawnReleases(base.store))]);
    if (releases.length > 1)
      throw usageError(
        'RELEASE_AMBIGUOUS',
        `${word} has several published revisions: ${releases.join(', ')}`,
        'Name one of them.',
      );
    if (releases.length === 0) throw unknownRelease(base.store.address, word, known);
    return changeRepository(
      session,
      {
        ...base,
        changes: channels.map((channel) => ({
          channel,
          change: { verb: 'withdraw', releases, reason, ...extent },
        })),
        head: { verb: 'withdraw', releases, reason, accepted: [] },
      },
      `Withdrew coturn ${releases.join(', ')}. Machines that have it keep it until they get another version.`,
    );
  });
}

const folderOf = ({ options }: Session) => resolve(options.out ?? 'dist');

/** Everything that the known recipes can put into a repository. */
function extentOf({ recipes }: Session): Extent {
  const suites = recipes.targets.flatMap(({ format, suite }) => (format === 'deb' ? (suite ?? []) : []));
  const rpms = recipes.targets.filter(({ format }) => format === 'rpm');
  return { suites: [...new Set(suites)].sort(), targets: rpms.map(({ name }) => name).sort() };
}

function unknownRelease(where: string, word: string, known: readonly string[]) {
  const there = [...new Set(known)].sort();
  return usageError(
    'RELEASE_UNKNOWN',
    `The ${where} has no release ${word}`,
    there.length === 0 ? 'Nothing is published there.' : `Published: ${there.join(', ')}.`,
  );
}
