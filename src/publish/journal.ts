import type { PublishAction } from './plan.ts';

/** A line of the journal. */
export type JournalRecord =
  /** A run begins to change a repository. `what`: in words; `plan`: digest of what it does. */
  | { run: string; at: string; where: string; what: string; plan: string }
  /** About to change a destination. */
  | { run: string; to: string; doing: PublishAction }
  /** The change is made. */
  | { run: string; to: string; did: string }
  /** The run has made every change. */
  | { run: string; at: string; finished: true };

/** The text of a journal -> its records. Ignores a line that was cut off by a crash. */
export function parseJournal(text: string): JournalRecord[] {
  return text
    .split('\n')
    .flatMap((line) => {
      try {
        return [JSON.parse(line) as JournalRecord];
      } catch {
        return [];
      }
    })
    .filter((record) => typeof record === 'object' && record !== null && typeof record.run === 'string');
}

/** A run that was killed. */
export interface UnfinishedRun {
  at: string;
  /** What it did, in words. */
  what: string;
}

/** The runs that began to change a repository, and were neither finished nor repeated. @param where the repository's address */
export function unfinishedRuns(records: readonly JournalRecord[], where: string): UnfinishedRun[] {
  const finished = new Set(records.filter((record) => 'finished' in record).map(({ run }) => run));
  const unfinished = new Map<string, UnfinishedRun>();
  for (const record of records) {
    if (!('plan' in record) || record.where !== where) continue;
    const { run, at, what } = record;
    if (finished.has(run)) unfinished.delete(what);
    else unfinished.set(what, { at, what });
  }
  return [...unfinished.values()];
}
