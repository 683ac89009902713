import { describe, expect, it } from 'vitest';
import { type Check, complaints, fail, pass } from '../../../src/checks/check.ts';
import { parseSamples, strangerComplaint } from '../../../src/checks/facts.ts';
import { judgeAll } from '../../../src/checks/judge.ts';
import { readQuery } from '../../../src/checks/promql.ts';
import { EVERY_CHECK } from '../../../src/plan/check-selection.ts';
import { advisory, packageFacts } from '../../support/package-facts.ts';

const check = (parts: Partial<Check>): Check => ({
  id: 'a.check',
  title: 'a title',
  reason: 'a reason',
  judge: () => pass('good'),
  ...parts,
});

describe('the result of a check', () => {
  it('is its whole message up to what a report has room for, and no half of a letter after that', () => {
    const message = (text: string) =>
      judgeAll([check({ judge: () => fail(text) })], packageFacts())[0]?.message;
    expect(message('a'.repeat(10_000))).toBe('a'.repeat(10_000));
    expect(message(`${'a'.repeat(9_999)}\u{1f600}b`)).toBe(`${'a'.repeat(9_999)}… (2 more characters)`);
  });

  it('is that it was left out, where it is not among those that were asked for', () => {
    const never = check({
      judge: () => {
        throw new Error('it was judged');
      },
    });
    expect(judgeAll([never], packageFacts(), { ...EVERY_CHECK, only: ['other'] })).toMatchObject([
      { status: 'deselected', message: 'not selected by --only other' },
    ]);
  });

  it('is accepted only where each advisory that explains it is', () => {
    const known = check({ judge: () => complaints(['bad'], 'good'), advisories: () => ['one', 'two'] });
    const facts = packageFacts({ advisories: [advisory('one'), advisory('two')] });
    const status = (accept: string[]) => judgeAll([known], facts, { ...EVERY_CHECK, accept })[0]?.status;
    expect(status(['one'])).toBe('failed');
    expect(status(['one', 'two'])).toBe('accepted');
  });

  it('is judged of a package that could not be installed where it needs no installed one', () => {
    const facts = packageFacts({
      values: new Map([['install.exit', '100']]),
      files: new Map([['install.log', 'E: Unable to correct problems\n']]),
    });
    const of = (phases: ('install' | 'tarball' | 'shipped')[]) => {
      const [found] = judgeAll([check({ needs: { phases } })], facts);
      return `${found?.status}: ${found?.message}`;
    };
    expect(of(['tarball'])).toBe('passed: good');
    expect(of(['shipped'])).toBe(
      'blocked: not run because install.clean failed: the package could not be installed: E: Unable to correct problems',
    );
  });
});

describe('what programs have said', () => {
  it('is read of a scrape whose lines end in blanks', () =>
    expect(parseSamples('  x 1 \r\n')).toEqual(new Map([['x', 1]])));

  it('is quoted of a client by its last four lines', () =>
    expect(strangerComplaint('a\nb\nc\nd\ne\n')).toBe(
      'was not refused, or its output does not show it: b | c | d | e',
    ));

  it('is where a query ends too early, and which of its selectors names no metric', () => {
    expect(readQuery('sum(a').errors).toEqual(['at 5']);
    expect(readQuery('1 + {job="x"}').errors).toEqual(['{job="x"} names no metric']);
  });
});
