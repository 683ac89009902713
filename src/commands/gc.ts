import { usageError } from '../errors.ts';
import { extentIn } from '../publish/cleaning.ts';
import { CHANNELS, type KeepRules } from '../publish/plan.ts';
import { countOption } from '../run/options.ts';
import { openSession, type Session } from '../run/session.ts';
import type { Output } from '../ui/output.ts';
import { journalFolder } from './published.ts';
import { changeRepository, givenPlan, type RepositoryOptions, withStore } from './repository.ts';

/** Options of `turnbuild gc`. */
export interface GcOptions extends RepositoryOptions {
  keep?: string;
  keepDays?: string;
  withdrawn?: boolean;
  apply?: boolean;
}

/** Releases that stay in a channel, so that it can be rolled back, and days that old files stay. */
const KEEP = { releases: 3, days: 30 };

/** `turnbuild gc`: takes old releases out of the indices, and deletes files that no client needs any more. Only prints the plan by default. */
export async function gc(
  _: undefined,
  options: GcOptions,
  output: Output,
  signal: AbortSignal,
): Promise<number> {
  const opened = await openSession(options, output, signal);
  const isDry = options.apply !== true && options.plan === undefined;
  const session = { ...opened, options: { ...opened.options, dryRun: isDry } };
  return withStore(session, options, 'gc', async (repository) => {
    const base = { ...repository, dir: journalFolder(session) };
    const keep = (await givenPlan(options.plan))?.keep ?? keepRules(options, session);
    const extent = await extentIn(base.store);
    const code = await changeRepository(
      session,
      {
        ...base,
        changes: CHANNELS.map((channel) => ({
          channel,
          change: { verb: 'gc', keep: keep.releases, ...extent },
        })),
        head: { verb: 'gc', releases: [], keep, accepted: [] },
      },
      'Cleaned the repository.',
    );
    if (isDry) output.line('Nothing was changed. To perform this plan, pass --apply.');
    return code;
  });
}

function keepRules({ keep, keepDays, withdrawn }: GcOptions, { publish }: Session): KeepRules {
  return {
    releases: countOption('keep', keep) ?? publish.keep?.releases ?? KEEP.releases,
    days: daysOption(keepDays) ?? publish.keep?.days ?? KEEP.days,
    withdrawn: withdrawn === true,
    at: new Date().toISOString(),
  };
}

function daysOption(word: string | undefined): number | undefined {
  if (word === undefined) return undefined;
  if (/^\d{1,5}$/.test(word)) return Number(word);
  throw usageError('OPTION_INVALID', `Invalid --keep-days "${word}": expected a whole number of days`);
}
