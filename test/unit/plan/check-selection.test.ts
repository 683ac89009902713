import { describe, expect, it } from 'vitest';
import { type Check, fail, pass } from '../../../src/checks/check.ts';
import { judgeAll } from '../../../src/checks/judge.ts';
import { TurnbuildError } from '../../../src/errors.ts';
import {
  type CheckSelection,
  EVERY_CHECK,
  requireValid,
  skippedBecause,
} from '../../../src/plan/check-selection.ts';
import { packageFacts } from '../../support/package-facts.ts';

const IDS = ['relay.udp', 'relay.tcp', 'metrics.names'];
const select = (parts: Partial<CheckSelection>): CheckSelection => ({ ...EVERY_CHECK, ...parts });
const errorOf = (parts: Partial<CheckSelection>): TurnbuildError | undefined => {
  try {
    requireValid(select(parts), IDS, ['CVE-2026-1', 'CVE-2026-2']);
    return undefined;
  } catch (error) {
    if (error instanceof TurnbuildError) return error;
    throw error;
  }
};

describe('--only and --skip', () => {
  const judged = (parts: Partial<CheckSelection>) =>
    IDS.filter((id) => skippedBecause(id, select(parts)) === undefined);

  it('select single checks and whole groups', () => {
    expect(judged({})).toEqual(IDS);
    expect(judged({ only: ['relay'] })).toEqual(['relay.udp', 'relay.tcp']);
    expect(judged({ only: ['relay.tcp', 'metrics'] })).toEqual(['relay.tcp', 'metrics.names']);
    expect(judged({ skip: ['relay'], reason: 'x' })).toEqual(['metrics.names']);
    expect(judged({ only: ['relay'], skip: ['relay.udp'], reason: 'x' })).toEqual(['relay.tcp']);
  });

  it('give the reason why a check is skipped', () => {
    expect(skippedBecause('relay.udp', select({ skip: ['relay'], reason: 'no IPv6 here' }))).toBe(
      'no IPv6 here',
    );
    expect(skippedBecause('relay.udp', select({ only: ['metrics'] }))).toBe('not selected by --only metrics');
  });

  it.each<[string, Partial<CheckSelection>, string, RegExp]>([
    ['an unknown check', { only: ['relay.utp'] }, 'CHECK_UNKNOWN', /relay\.udp/],
    ['an unknown group', { skip: ['metric'], reason: 'x' }, 'CHECK_UNKNOWN', /metrics/],
    ['an unknown advisory', { accept: ['CVE-2026-1O'] }, 'ADVISORY_UNKNOWN', /CVE-2026-1/],
    [
      'an advisory that is not in the recipe',
      { accept: ['CVE-2026-3'] },
      'ADVISORY_UNKNOWN',
      /recipes.advisories\.yaml/,
    ],
    ['--skip without a reason', { skip: ['relay'] }, 'REASON_MISSING', /--reason/],
    ['--skip with a blank reason', { skip: ['relay'], reason: ' ' }, 'REASON_MISSING', /--reason/],
    ['a reason without --skip', { only: ['relay'], reason: 'x' }, 'OPTION_INVALID', /^$/],
    ['a selection without checks', { only: ['relay'], skip: ['relay'], reason: 'x' }, 'CHECKS_EMPTY', /^$/],
  ])('refuse %s', (_, parts, code, hint) => {
    const error = errorOf(parts);
    expect(error?.code).toBe(code);
    expect(error?.exitCode).toBe(2);
    expect(error?.hint ?? '').toMatch(hint);
  });

  it('accept known checks and advisories', () => {
    expect(errorOf({ only: ['relay'], accept: ['CVE-2026-2'] })).toBeUndefined();
  });
});

describe('--accept', () => {
  const check = (ok: boolean): Check => ({
    id: 'relay.udp',
    title: 't',
    reason: 'r',
    advisories: () => ['CVE-2026-1', 'CVE-2026-2', 'CVE-2026-9'],
    judge: () => (ok ? pass('good') : fail('a port is lost')),
  });
  const advisory = (id: string) => ({
    id,
    severity: 'high' as const,
    fixed: '4.17.0',
    summary: 's',
    reference: 'https://example.org',
  });
  const judge = (ok: boolean, affected: string[], accept: string[]) =>
    judgeAll([check(ok)], packageFacts({ advisories: affected.map(advisory) }), select({ accept }))[0];

  it('marks a failure caused by these advisories as accepted, and names them', () => {
    const result = judge(false, ['CVE-2026-1'], ['CVE-2026-1']);
    expect(result?.status).toBe('accepted');
    expect(result?.advisories).toEqual(['CVE-2026-1']);
    expect(result?.message).toBe('a port is lost (CVE-2026-1, fixed in 4.17.0)');
  });

  it('keeps a failure if one of its advisories is not accepted', () => {
    expect(judge(false, ['CVE-2026-1', 'CVE-2026-2'], ['CVE-2026-1'])?.status).toBe('failed');
    expect(judge(false, ['CVE-2026-1'], [])).toMatchObject({ status: 'failed', advisories: ['CVE-2026-1'] });
  });

  it('does not excuse a version that has the fix', () => {
    const result = judge(false, [], ['CVE-2026-1', 'CVE-2026-2']);
    expect(result?.status).toBe('failed');
    expect(result?.advisories).toBeUndefined();
  });

  it('keeps a passed check as passed', () => {
    expect(judge(true, ['CVE-2026-1'], ['CVE-2026-1'])?.status).toBe('passed');
  });
});
