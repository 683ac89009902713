import { describe, expect, it } from 'vitest';
import { type JournalRecord, parseJournal, unfinishedRuns } from '../../../src/publish/journal.ts';

const PLAN = 'a'.repeat(64);
const begun = (run: string, where = '/srv/a', what = 'publish 1'): JournalRecord => ({
  ...{ run, at: '2026-11-01T00:00:00.000Z', where, what, plan: PLAN },
});
const finished = (run: string): JournalRecord => ({ run, at: '2026-11-01T00:01:00.000Z', finished: true });
const doing = (run: string): JournalRecord => ({
  run,
  to: 'apt',
  doing: { do: 'create', path: 'x', size: 1, sha256: PLAN },
});

describe('the journal', () => {
  it('is read as it was written', () => {
    const records = [begun('1'), doing('1'), finished('1')];
    const text = records.map((record) => `${JSON.stringify(record)}\n`).join('');
    expect(parseJournal(text)).toEqual(records);
  });

  it('may end in the middle of a line', () => {
    const text = `${JSON.stringify(begun('1'))}\n${JSON.stringify(doing('1')).slice(0, 30)}\n\nnull\n3\n`;
    expect(parseJournal(text)).toEqual([begun('1')]);
  });

  it.each<[string, JournalRecord[], string[]]>([
    ['nothing', [], []],
    ['a finished run', [begun('1'), doing('1'), finished('1')], []],
    ['a run that stopped', [begun('1'), doing('1')], ['publish 1']],
    ['a run that was repeated', [begun('1'), begun('2'), finished('2')], []],
    ['a run that stopped after another one', [begun('1'), finished('1'), begun('2')], ['publish 1']],
    [
      'a run after which another one did something else',
      [begun('1'), begun('2', '/srv/a', 'withdraw 1'), finished('2')],
      ['publish 1'],
    ],
    [
      'a run that stopped before one in another repository',
      [begun('1'), begun('2', '/srv/b'), finished('2')],
      ['publish 1'],
    ],
    ['a run that stopped in another repository', [begun('1', '/srv/b')], []],
  ])('shows which runs are unfinished: %s', (_, records, expected) => {
    expect(unfinishedRuns(records, '/srv/a').map(({ what }) => what)).toEqual(expected);
  });
});
