// Pure: a report of StrykerJS -> detected and surviving mutants of a folder.

/**
 * The used parts of Stryker's report (mutation-testing-report-schema 2).
 * @typedef {{ mutatorName: string, replacement?: string, status: string, location: { start: { line: number } } }} Mutant
 * @typedef {{ files: Record<string, { source: string, mutants: Mutant[] }> }} Report
 * @typedef {{ file: string, line: number, code: string, mutation: string, covered: boolean }} Survivor
 * @typedef {{ file: string, code: string, reason: string }} Reason
 */

/** Percentage of a folder's mutants that its tests must detect. */
export const GOAL = 90;

const NOTICED = ['Killed', 'Timeout'];
/** Statuses that do not count: excluded by a comment or the configuration, or invalid code. */
const NO_MUTANTS = ['Ignored', 'CompileError'];

/**
 * Numbers of a folder's mutants, and the survivors. `noticed` counts detected mutants, `timeouts` has those of them that were detected only by a
 * timeout: endless loops, or a busy machine.
 * @param {Report} report
 * @returns {{ mutants: number, noticed: number, timeouts: Survivor[], percent: number, survivors: Survivor[] }}
 * @throws Error if there are no mutants, which would prove nothing
 */
export function scoreOf(report) {
  const all = Object.entries(report.files).flatMap(([file, { source, mutants }]) => {
    const lines = source.split('\n');
    return mutants
      .filter(({ status }) => !NO_MUTANTS.includes(status))
      .map(({ mutatorName, replacement, status, location: { start } }) => ({
        file,
        line: start.line,
        code: (lines[start.line - 1] ?? '').trim(),
        mutation: replacement === undefined ? mutatorName : replacement.replace(/\s+/g, ' '),
        covered: status !== 'NoCoverage',
        noticed: NOTICED.includes(status),
        timedOut: status === 'Timeout',
      }));
  });
  if (all.length === 0) throw new Error('no mutants found: check that the files exist');
  const mutantsThat = (/** @type {(each: typeof all[number]) => boolean} */ fits) =>
    all.filter(fits).map(({ noticed: _, timedOut: __, ...mutant }) => mutant);
  const survivors = mutantsThat((each) => !each.noticed);
  const timeouts = mutantsThat((each) => each.timedOut);
  const noticed = all.length - survivors.length;
  return { mutants: all.length, noticed, timeouts, percent: (100 * noticed) / all.length, survivors };
}

/**
 * The survivors of a folder with their reasons, if recorded, and stale reasons without a survivor. A mutant that timed out also justifies a
 * reason: on a busy machine, the tests of an equivalent mutant may time out.
 * @param {readonly Survivor[]} survivors
 * @param {readonly Reason[]} reasons
 * @param {readonly Survivor[]} [timeouts]
 */
export function explain(survivors, reasons, timeouts = []) {
  const fits = (/** @type {Survivor} */ survivor, /** @type {Reason} */ { file, code }) =>
    survivor.file === file && survivor.code === code;
  return {
    survivors: survivors.map((survivor) => ({
      ...survivor,
      reason: reasons.find((each) => fits(survivor, each))?.reason,
    })),
    stale: reasons.filter((reason) => ![...survivors, ...timeouts].some((mutant) => fits(mutant, reason))),
  };
}
