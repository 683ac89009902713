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
  it('truncates a message of more than 10,000 characters, but never inside a surrogate pair', () => {
    const message = (text: string) =>
      judgeAll([check({ judge: () => fail(text) })], packageFacts())[0]?.message;
    expect(message('a'.repeat(10_000))).toBe('a'.repeat(10_000));
    expect(message(`${'a'.repeat(9_999)}\u{1f600}b`)).toBe(`${'a'.repeat(9_999)}… (2 more characters)`);
  });

  it('is "deselected", without running the check, if --only does not name it', () => {
    const never = check({
      judge: () => {
        throw new Error('it was judged');
      },
    });
    expect(judgeAll([never], packageFacts(), { ...EVERY_CHECK, only: ['other'] })).toMatchObject([
      { status: 'deselected', message: 'not selected by --only other' },
    ]);
  });

  it('is accepted only if every advisory that explains it is accepted', () => {
    const known = check({ judge: () => complaints(['bad'], 'good'), advisories: () => ['one', 'two'] });
    const facts = packageFacts({ advisories: [advisory('one'), advisory('two')] });
    const status = (accept: string[]) => judgeAll([known], facts, { ...EVERY_CHECK, accept })[0]?.status;
    expect(status(['one'])).toBe('failed');
    expect(status(['one', 'two'])).toBe('accepted');
  });

  it('is blocked by a failed installation only if the check needs the installed package', () => {
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

describe('foreign output', () => {
  it('is parsed despite whitespace around the lines of a scrape', () =>
    expect(parseSamples('  x 1 \r\n')).toEqual(new Map([['x', 1]])));

  it('is quoted as the last four lines of a client', () =>
    expect(strangerComplaint('a\nb\nc\nd\ne\n')).toBe(
      'was not refused, or its output does not show it: b | c | d | e',
    ));

  it('includes the position of an incomplete query, and selectors without a metric', () => {
    expect(readQuery('sum(a').errors).toEqual(['at 5']);
    expect(readQuery('1 + {job="x"}').errors).toEqual(['{job="x"} names no metric']);
  });
});
