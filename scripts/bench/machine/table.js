// @ts-check
// The tables of BENCHMARKS.md. Pure.

/**
 * @typedef {object} Side
 * @property {string} name
 * @property {readonly number[]} seconds one per round
 */
/**
 * What is judged is the first side: its median against that of the last side (`ratio`), or alone (`seconds`).
 * @typedef {object} Comparison
 * @property {string} title
 * @property {readonly Side[]} sides
 * @property {{ ratio: number } | { seconds: number }} goal at most this
 */

/** @param {readonly number[]} values @returns {number} */
export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const half = sorted.length >> 1;
  const [lower, upper] = [sorted[sorted.length % 2 === 0 ? half - 1 : half], sorted[half]];
  if (lower === undefined || upper === undefined) throw new RangeError('no values');
  return (lower + upper) / 2;
}

/** @param {Comparison} comparison @returns {string} Markdown */
export function table({ title, sides, goal }) {
  const base = sides.at(-1);
  if (base === undefined) throw new RangeError('no sides');
  const isCompared = sides.length > 1;
  const rows = sides.map(({ name, seconds }) => {
    const figures = [median(seconds).toFixed(1), seconds.map((each) => each.toFixed(1)).join('; ')];
    const ratio = side(seconds, base.seconds).toFixed(3);
    return `| ${[name, ...figures, ...(isCompared ? [ratio] : [])].join(' | ')} |`;
  });
  return [
    `| ${title} | median, s | all, s |${isCompared ? ` of ${base.name} |` : ''}`,
    `|---|---:|---:|${isCompared ? '---:|' : ''}`,
    ...rows,
    '',
    verdict(sides, goal),
    '',
  ].join('\n');
}

/** @param {readonly number[]} of @param {readonly number[]} to */
const side = (of, to) => median(of) / median(to);

/** @param {readonly Side[]} sides @param {Comparison['goal']} goal */
function verdict(sides, goal) {
  const [first, last] = [sides[0]?.seconds ?? [], sides.at(-1)?.seconds ?? []];
  const [value, most, text] =
    'ratio' in goal
      ? [side(first, last), goal.ratio, `${goal.ratio} x`]
      : [median(first), goal.seconds, `${goal.seconds} s`];
  return `Goal: at most ${text}. ${value <= most ? '**Met.**' : '**Not met.**'}`;
}
