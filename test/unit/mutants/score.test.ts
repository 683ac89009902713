import { describe, expect, it } from 'vitest';
import { explain, scoreOf } from '../../../scripts/mutants/score.js';

const mutant = (status: string, line: number, replacement: string) => ({
  mutatorName: 'EqualityOperator',
  replacement,
  status,
  location: { start: { line } },
});
const report = {
  files: {
    'src/plan/a.ts': {
      source: 'first\n  a < b;\n',
      mutants: [
        mutant('Killed', 1, 'x'),
        mutant('Timeout', 2, 'a > b'),
        mutant('Survived', 2, 'a <=\n   b'),
        mutant('NoCoverage', 1, 'y'),
        mutant('Ignored', 1, 'z'),
        mutant('CompileError', 1, 'z'),
      ],
    },
  },
};

describe('the score of a mutation run', () => {
  it('counts killed and timed-out mutants as noticed, and uncovered ones as survivors', () => {
    expect(scoreOf(report)).toEqual({
      mutants: 4,
      noticed: 2,
      timeouts: [{ file: 'src/plan/a.ts', line: 2, code: 'a < b;', mutation: 'a > b', covered: true }],
      percent: 50,
      survivors: [
        { file: 'src/plan/a.ts', line: 2, code: 'a < b;', mutation: 'a <= b', covered: true },
        { file: 'src/plan/a.ts', line: 1, code: 'first', mutation: 'y', covered: false },
      ],
    });
  });

  it('refuses a report without mutants', () => {
    expect(() => scoreOf({ files: {} })).toThrow('no mutants found');
  });

  it('does not count a runtime error as noticed', () => {
    const files = { a: { source: 'x', mutants: [mutant('RuntimeError', 1, 'y')] } };
    expect(scoreOf({ files }).noticed).toBe(0);
  });

  it('matches reasons by file and code, and returns those without a survivor as stale', () => {
    const here = { file: 'src/plan/a.ts', code: 'a < b;', reason: 'they are never equal' };
    const gone = { file: 'src/plan/a.ts', code: 'a > b;', reason: 'gone' };
    const elsewhere = { ...here, file: 'src/plan/b.ts' };
    const { survivors, stale } = explain(scoreOf(report).survivors, [elsewhere, here, gone]);
    expect(survivors.map(({ line, reason }) => [line, reason])).toEqual([
      [2, 'they are never equal'],
      [1, undefined],
    ]);
    expect(stale).toEqual([elsewhere, gone]);
  });

  it('does not call a reason stale if a mutant on its line timed out', () => {
    const late = { file: 'src/plan/a.ts', code: 'a < b;', reason: 'they are never equal' };
    const { survivors, timeouts } = scoreOf(report);
    const others = survivors.filter(({ code }) => code !== late.code);
    expect(explain(others, [late], timeouts).stale).toEqual([]);
    expect(explain(others, [late]).stale).toEqual([late]);
  });
});
