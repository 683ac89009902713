// Pure: a report of StrykerJS -> what was noticed in a room, and what was not.

/**
 * Of Stryker's report (mutation-testing-report-schema 2), what is used.
 * @typedef {{ mutatorName: string, replacement?: string, status: string, location: { start: { line: number } } }} Mutant
 * @typedef {{ files: Record<string, { source: string, mutants: Mutant[] }> }} Report
 * @typedef {{ file: string, line: number, code: string, mutation: string, covered: boolean }} Survivor
 * @typedef {{ file: string, code: string, reason: string }} Reason
 */

/** Percent of a room's mutants that its tests have to notice. */
export const GOAL = 90;

const NOTICED = ['Killed', 'Timeout'];
/** No mutants of the code that is judged: left out by a comment or the configuration, or no valid code. */
const NO_MUTANTS = ['Ignored', 'CompileError'];

/**
 * What a room's tests noticed, in numbers and by survivor. `timedOut` are those of `noticed` that were noticed only because the
 * tests did not end in time: endless loops, or a machine that was busy.
 * @param {Report} report
 * @returns {{ mutants: number, noticed: number, timedOut: number, percent: number, survivors: Survivor[] }}
 * @throws Error if nothing was changed, which proves nothing
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
  if (all.length === 0) throw new Error('nothing was changed: are there such files?');
  const survivors = all
    .filter(({ noticed }) => !noticed)
    .map(({ noticed: _, timedOut: __, ...survivor }) => survivor);
  const noticed = all.length - survivors.length;
  const timedOut = all.filter((each) => each.timedOut).length;
  return { mutants: all.length, noticed, timedOut, percent: (100 * noticed) / all.length, survivors };
}

/**
 * The survivors of a room, each with its reason where one is written down; and reasons for which there is no survivor (any more).
 * @param {readonly Survivor[]} survivors
 * @param {readonly Reason[]} reasons
 */
export function explain(survivors, reasons) {
  const fits = (/** @type {Survivor} */ survivor, /** @type {Reason} */ { file, code }) =>
    survivor.file === file && survivor.code === code;
  return {
    survivors: survivors.map((survivor) => ({
      ...survivor,
      reason: reasons.find((each) => fits(survivor, each))?.reason,
    })),
    stale: reasons.filter((reason) => !survivors.some((survivor) => fits(survivor, reason))),
  };
}
