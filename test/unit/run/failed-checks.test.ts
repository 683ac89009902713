import { describe, expect, it } from 'vitest';
import type { CheckResult } from '../../../src/manifest/schema.ts';
import { describeFailures, verifyError } from '../../../src/run/failed-checks.ts';

const check = (id: string, rest: Partial<CheckResult> = {}): CheckResult => ({
  ...{ id, title: id, reason: 'r', status: 'failed', message: `${id} is bad`, figures: {} },
  ...rest,
});

describe('describeFailures', () => {
  it('returns nothing without failures', () => expect(describeFailures([])).toBe(''));

  it('lists each cause once, then the failures, and counts blocked checks', () => {
    const bad = [
      check('a', { cause: 'No network.' }),
      check('b', { cause: 'No network.' }),
      check('c', { status: 'blocked' }),
    ];
    expect(describeFailures(bad)).toBe(
      'No network.\n2 checks failed, 1 could not run\na: a is bad\nb: b is bad',
    );
    expect(describeFailures([check('a')])).toBe('1 check failed\na: a is bad');
    expect(describeFailures([check('c', { status: 'blocked' })])).toBe('1 check could not run');
  });

  it('keeps a message of 400 characters, and truncates a longer one after a word', () => {
    const whole = 'x'.repeat(400);
    expect(describeFailures([check('a', { message: whole })])).toBe(`1 check failed\na: ${whole}`);
    const long = ` ${'x'.repeat(390)}         yes`;
    expect(describeFailures([check('a', { message: long })])).toBe(
      `1 check failed\na:  ${'x'.repeat(390)} …`,
    );
  });
});

describe('verifyError', () => {
  it('suggests --accept only if every failure has advisories', () => {
    const known = [check('a', { advisories: ['CVE-1', 'CVE-2'] }), check('b', { advisories: ['CVE-2'] })];
    expect(verifyError('bad', known)).toMatchObject({
      code: 'VERIFY_FAILED',
      message: 'bad',
      hint: expect.stringMatching(/--accept CVE-1,CVE-2$/),
    });
    expect(verifyError('bad', [...known, check('c')]).hint).not.toContain('--accept');
  });
});
