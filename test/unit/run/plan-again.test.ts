import { describe, expect, it } from 'vitest';
import type { PlanDocument } from '../../../src/plan/document.ts';
import { requireSame } from '../../../src/run/plan-again.ts';

const plan = (turnbuild: string, maintainer = 'A <a@example.org>') =>
  ({ turnbuild, maintainer }) as PlanDocument;

describe('a plan that is not that of this machine', () => {
  it('is refused with what differs, and what to use', () => {
    expect(() => requireSame(plan('0.2.0'), plan('0.2.0', 'B <b@example.org>'))).toThrow(
      expect.objectContaining({
        code: 'PLAN_DIFFERS',
        message: expect.stringMatching(/^The plan differs from what this turnbuild would do: maintainer$/),
        hint: expect.stringMatching(/^Use the recipes and the turnbuild version that created the plan/),
      }),
    );
  });

  it('because another turnbuild has made it is refused with both versions', () => {
    expect(() => requireSame(plan('0.2.0'), plan('0.3.0'))).toThrow(
      expect.objectContaining({
        code: 'PLAN_DIFFERS',
        hint: expect.stringMatching(/^turnbuild 0\.2\.0 created the plan, but this is 0\.3\.0\./),
      }),
    );
  });

  it('is taken where it is the same', () => {
    expect(() => requireSame(plan('0.2.0'), plan('0.2.0'))).not.toThrow();
  });
});
