import { resolve } from 'node:path';
import { type TurnbuildError, usageError } from '../errors.ts';
import type { Extent } from '../publish/change.ts';
import type { Destination } from '../publish/plan.ts';
import { releasesIn } from '../publish/releases.ts';
import { withdrawnReleases } from '../publish/withdrawn.ts';
import type { Session } from '../run/session.ts';
import type { Repository } from './repository.ts';

/** The folder of the journal for changes that concern no release's folder. */
export const journalFolder = ({ options }: Session) => resolve(options.out ?? 'dist');

/** Everything that the known recipes can put into a repository. */
export function extentOf({ recipes }: Session): Extent {
  const suites = recipes.targets.flatMap(({ format, suite }) => (format === 'deb' ? (suite ?? []) : []));
  const rpms = recipes.targets.filter(({ format }) => format === 'rpm');
  return { suites: [...new Set(suites)].sort(), targets: rpms.map(({ name }) => name).sort() };
}

/** The address of what a command changes. @param to only that of one destination */
export function addressOf({ store, github }: Repository, to?: Destination['to']): string {
  const all = [to === 'github' ? undefined : store?.address];
  if (to === undefined || to === 'github') all.push(github?.address);
  return all.filter((each) => each !== undefined).join(' and ');
}

/** The releases that were withdrawn from the repositories in a store. GitHub's are among its releases. */
export async function withdrawnFrom({ store }: Repository): Promise<string[]> {
  return store === undefined ? [] : withdrawnReleases(store);
}

/** The error of a release that is not published. @param where e.g. `apt repository in /srv/packages` */
export function unknownRelease(where: string, word: string, known: readonly string[]): TurnbuildError {
  const there = releasesIn(known.map((version) => ({ version })));
  return usageError(
    'RELEASE_UNKNOWN',
    `The ${where} has no release ${word}`,
    there.length === 0 ? 'Nothing is published there.' : `Published: ${there.join(', ')}.`,
  );
}
