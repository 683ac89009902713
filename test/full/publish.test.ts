import { expect, it } from 'vitest';
import { BEFORE_AND_AFTER, CLEAN, PROMOTE, REFRESH, ROLL_BACK, WITHDRAW } from '../support/kill-scenarios.ts';
import { killPublication } from '../support/killed-publication.ts';

it('turnbuild publish finishes a run that was killed at any point, and clients never see a broken repository', async () => {
  expect(await killPublication((points) => points)).toEqual(BEFORE_AND_AFTER);
});

it('turnbuild gc finishes a run that was killed at any point, and clients never see a broken repository', async () => {
  expect(await killPublication((points) => points, CLEAN)).toEqual(
    BEFORE_AND_AFTER.filter((seen) => seen.includes('4.19')),
  );
});

it.each([
  ['promote', 'promotion', PROMOTE, BEFORE_AND_AFTER],
  ['promote', 'rollback', ROLL_BACK, BEFORE_AND_AFTER],
  ['withdraw', 'withdrawal', WITHDRAW, BEFORE_AND_AFTER],
  ['refresh', 'new subkey', REFRESH, BEFORE_AND_AFTER.filter((seen) => seen.includes('4.19'))],
])(
  'turnbuild %s (%s) finishes a run that was killed at any point, and clients never see a broken repository',
  async (_, __, scenario, seen) => {
    expect(await killPublication((points) => points, scenario)).toEqual(seen);
  },
);
