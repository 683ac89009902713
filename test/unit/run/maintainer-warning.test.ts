import { describe, expect, it } from 'vitest';
import type { StageName } from '../../../src/manifest/stages.ts';
import { createPlan } from '../../../src/plan/index.ts';
import { maintainerWarning } from '../../../src/run/maintainer-warning.ts';
import { releaseFacts } from '../../support/plan-facts.ts';

const RELEASE: StageName[] = ['build', 'package', 'verify'];
const INVALID = 'A <a@turnbuild.invalid>';
const planned = (maintainer: string) =>
  createPlan({ ...releaseFacts, release: { ...releaseFacts.release, maintainer } });

describe('the warning about an invalid maintainer address', () => {
  it.each([INVALID, 'A <a@INVALID>'])('appears for %s', (maintainer) => {
    const [line] = maintainerWarning(planned(maintainer), RELEASE);
    expect(line).toContain(maintainer);
    expect(line).toContain('--maintainer');
  });

  it.each(['A <a@example.org>', 'Invalid <invalid@invalid.example.org>', 'A <a@notinvalid>'])(
    'does not appear for %s',
    (maintainer) => expect(maintainerWarning(planned(maintainer), RELEASE)).toEqual([]),
  );

  it.each<StageName[]>([['build'], ['verify'], ['image', 'boot']])(
    'does not appear if only %s is performed',
    (...stages) => expect(maintainerWarning(planned(INVALID), stages)).toEqual([]),
  );

  it('appears if packages are made alone', () =>
    expect(maintainerWarning(planned(INVALID), ['package'])).toHaveLength(1));

  it('does not appear if the plan makes no packages', () => {
    const { maintainer, steps } = planned(INVALID);
    const others = steps.filter(({ stage }) => stage !== 'package');
    expect(maintainerWarning({ maintainer, steps: others }, RELEASE)).toEqual([]);
  });
});
