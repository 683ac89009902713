import { describe, expect, it } from 'vitest';
import { CHECKS } from '../../src/checks/index.ts';
import { judgeAll } from '../../src/checks/judge.ts';
import { PLANTED_FAULTS } from '../support/planted/index.ts';

// The tests of each subject assert the message of a fault and that no other check fails. This test runs all checks at once, as in a
// verification.
describe('planted faults', () => {
  it.each(PLANTED_FAULTS)('$title: fails $failed', ({ failed, facts }) => {
    const bad = judgeAll(CHECKS, facts()).filter(({ status }) => status === 'failed');
    expect(bad.map(({ id }) => id)).toEqual(expect.arrayContaining([...failed]));
    expect(failed).not.toEqual([]);
  });

  it('exist for every check, in a package to which it applies', () => {
    const planted = PLANTED_FAULTS.map(({ failed, facts }) => ({ failed, target: facts().target }));
    const without = CHECKS.filter(
      ({ id, applies = () => true }) =>
        !planted.some(({ failed, target }) => failed.includes(id) && applies(target)),
    );
    expect(without.map(({ id, title }) => `${id}: ${title}`)).toEqual([]);
  });

  it('are judged by checks with unique IDs for each package', () => {
    const targets = new Map(
      PLANTED_FAULTS.map(({ facts }) => facts().target).map((each) => [each.name, each]),
    );
    expect(targets.size).toBeGreaterThan(1);
    for (const target of targets.values()) {
      const ids = CHECKS.filter(({ applies = () => true }) => applies(target)).map(({ id }) => id);
      expect(ids).toEqual([...new Set(ids)]);
    }
  });
});
