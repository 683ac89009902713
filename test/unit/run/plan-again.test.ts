import { describe, expect, it } from 'vitest';
import type { PlanDocument } from '../../../src/plan/document.ts';
import { requireSame } from '../../../src/run/plan-again.ts';

const plan = (turnbuild: string, maintainer = 'A <a@example.org>') =>
  ({ turnbuild, maintainer }) as PlanDocument;

describe('requireSame', () => {
  it('refuses a different plan, naming the difference and what to use', () => {
    expect(() => requireSame(plan('0.2.0'), plan('0.2.0', 'B <b@example.org>'))).toThrow(
      expect.objectContaining({
        code: 'PLAN_DIFFERS',
        message: expect.stringMatching(/^The plan differs from what this turnbuild would do: maintainer$/),
        hint: expect.stringMatching(/^Use the recipes and the turnbuild version that created the plan/),
      }),
    );
  });

  it('refuses a plan of another turnbuild version, naming both versions', () => {
    expect(() => requireSame(plan('0.2.0'), plan('0.3.0'))).toThrow(
      expect.objectContaining({
        code: 'PLAN_DIFFERS',
        hint: expect.stringMatching(/^turnbuild 0\.2\.0 created the plan, but this is 0\.3\.0\./),
      }),
    );
  });

  it('accepts the same plan', () => {
    expect(() => requireSame(plan('0.2.0'), plan('0.2.0'))).not.toThrow();
  });
});
