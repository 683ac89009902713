import { TurnbuildError } from '../errors.ts';
import type { Change } from './change.ts';
import { releaseOf } from './releases.ts';

/**
 * What the user should know about a promotion: a suite or repository that does not get the release.
 * @param place its name
 * @param before the packages that it has
 * @param packages that it will have
 * @throws PROMOTION_EMPTIES if it would have no release at all
 */
export function promotionNotes(
  change: Change,
  place: string,
  before: readonly unknown[],
  packages: readonly { version: string }[],
): string[] {
  if (change.verb !== 'promote') return [];
  const { release } = change;
  if (before.length > 0 && packages.length === 0)
    throw new TurnbuildError(
      'PROMOTION_EMPTIES',
      `${place} would have no release: ${release} has no packages for it`,
      {
        hint: 'Promote a release that has packages for all targets, or withdraw the newer ones.',
      },
    );
  if (packages.some(({ version }) => releaseOf(version) === release)) return [];
  return [`${place} does not get ${release}, which has no packages for it.`];
}
