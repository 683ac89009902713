import { publishedReleases } from '../publish/publish.ts';
import { namedReleases } from '../publish/releases.ts';
import { requireNotWithdrawn } from '../publish/withdrawn.ts';
import { openSession } from '../run/session.ts';
import type { Output } from '../ui/output.ts';
import { addressOf, extentOf, journalFolder, unknownRelease, withdrawnFrom } from './published.ts';
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
    const base = { ...repository, dir: journalFolder(session) };
    const channel = channelOption(options.channel ?? 'stable');
    const from = channelOption(options.from ?? 'testing');
    const extent = extentOf(session);
    const published = await publishedReleases(base, [...new Set([from, channel])], extent);
    const known = published.flatMap(({ releases }) => releases);
    const release =
      namedReleases(word, known).at(-1) ?? namedReleases(word, await withdrawnFrom(base)).at(-1);
    if (release === undefined) throw unknownRelease(`repository in ${addressOf(base)}`, word, known);
    if (base.store !== undefined) await requireNotWithdrawn(base.store, [release]);
    for (const to of base.destinations) {
      const there = published.filter((each) => each.to === to).flatMap(({ releases }) => releases);
      if (!there.includes(release))
        throw unknownRelease(`${to} repository in ${addressOf(base, to)}`, release, there);
    }
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
