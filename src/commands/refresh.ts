import { extentIn } from '../publish/cleaning.ts';
import { CHANNELS } from '../publish/plan.ts';
import { openSession } from '../run/session.ts';
import type { Output } from '../ui/output.ts';
import { journalFolder } from './published.ts';
import { changeRepository, type RepositoryOptions, withStore } from './repository.ts';

/** `turnbuild refresh`: signs again what expires, and rewrites the files that clients copy. */
export async function refresh(
  _: undefined,
  options: RepositoryOptions,
  output: Output,
  signal: AbortSignal,
): Promise<number> {
  const session = await openSession(options, output, signal);
  return withStore(session, options, 'refresh', async (repository) => {
    const extent = await extentIn(repository.store);
    return changeRepository(
      session,
      {
        ...repository,
        dir: journalFolder(session),
        changes: CHANNELS.map((channel) => ({ channel, change: { verb: 'refresh', ...extent } })),
        head: { verb: 'refresh', releases: [], accepted: [] },
      },
      'Refreshed the repository.',
    );
  });
}
