import { describe, expect, it } from 'vitest';
import { CHECKS } from '../../src/checks/index.ts';
import { judgeAll } from '../../src/checks/judge.ts';
import { PLANTED_FAULTS } from '../support/planted/index.ts';

// What each fault says, and that it fails nothing else, is asserted beside the checks of its subject. Here it goes through all checks at
// once, as in a verification.
describe('planted faults', () => {
  it.each(PLANTED_FAULTS)('$title: fails $failed', ({ failed, facts }) => {
    const bad = judgeAll(CHECKS, facts()).filter(({ status }) => status === 'failed');
    expect(bad.map(({ id }) => id)).toEqual(expect.arrayContaining([...failed]));
    expect(failed).not.toEqual([]);
  });

  it('there is one at least for every check', () => {
    const planted = new Set(PLANTED_FAULTS.flatMap(({ failed }) => failed));
    expect(CHECKS.map(({ id }) => id).filter((id) => !planted.has(id))).toEqual([]);
  });
});
