import type { PublishAction } from './plan.ts';

/** A line of the journal. */
export type JournalRecord =
  /** A run begins to change a repository. `plan`: digest of what it does. */
  | { run: string; at: string; where: string; plan: string }
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

/** The last run that changed a repository, if it has not finished. @param where the repository's address */
export function interruptedRun(
  records: readonly JournalRecord[],
  where: string,
): { run: string; at: string } | undefined {
  const begun = records.filter((record) => 'plan' in record).findLast((record) => record.where === where);
  if (begun === undefined) return undefined;
  const isDone = records.some((record) => 'finished' in record && record.run === begun.run);
  return isDone ? undefined : begun;
}
