import { describe, expect, it } from 'vitest';
import { createPlan } from '../../../src/plan/index.ts';
import { maintainerWarning } from '../../../src/run/maintainer-warning.ts';
import { releaseFacts } from '../../support/plan-facts.ts';

const planned = (maintainer: string) =>
  createPlan({ ...releaseFacts, release: { ...releaseFacts.release, maintainer } });

describe('the warning about an invalid maintainer address', () => {
  it.each(['A <a@turnbuild.invalid>', 'A <a@INVALID>'])('appears for %s', (maintainer) => {
    const [line] = maintainerWarning(planned(maintainer));
    expect(line).toContain(maintainer);
    expect(line).toContain('--maintainer');
  });

  it.each(['A <a@example.org>', 'Invalid <invalid@invalid.example.org>', 'A <a@notinvalid>'])(
    'does not appear for %s',
    (maintainer) => expect(maintainerWarning(planned(maintainer))).toEqual([]),
  );

  it('does not appear if no packages are made', () => {
    const { maintainer, steps } = planned('A <a@turnbuild.invalid>');
    const others = steps.filter(({ stage }) => stage !== 'package');
    expect(maintainerWarning({ maintainer, steps: others })).toEqual([]);
  });
});
