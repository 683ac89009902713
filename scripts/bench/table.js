// @ts-check
// The section of BENCHMARKS.md. Pure.
import { cpuPerPacket, GOAL, geometricMean, mean, packetsPerSecond, ratioOf } from './rounds.js';

/** @typedef {import('./rounds.js').Side} Side */
/** @typedef {import('./rounds.js').Run} Run */
/** @typedef {import('./rounds.js').Round<Run>} RunRound */
/** @typedef {readonly [of: Side, to: Side]} Comparison */
/**
 * @typedef {object} Setting
 * @property {string} machine processors and memory
 * @property {string} system kernel, distribution of the base images, Docker
 * @property {Partial<Record<Side, string>>} versions of the packages, in the order of the columns
 * @property {boolean} metrics whether our package ran with metrics enabled
 * @property {string} command
 */

/** If the server used less than this share of its core, it was not the bottleneck, so packets per second mean less. */
const BUSY = 0.95;

/** The comparisons, if both sides ran. @type {readonly Comparison[]} */
const COMPARISONS = [
  ['portable', 'ours'],
  ['ours', 'debian'],
];

/** @type {Readonly<Record<Side, string>>} */
const NAMES = { portable: 'portable', ours: 'ours', debian: "Debian's" };

/** @type {readonly { title: string, figure: (run: Run) => number, digits: number }[]} */
const FIGURES = [
  { title: 'relayed packets per second', figure: packetsPerSecond, digits: 0 },
  { title: "server's processor time per packet, µs", figure: cpuPerPacket, digits: 3 },
  { title: 'time to first accepted connection, ms', figure: (run) => run.startMs, digits: 1 },
  { title: 'resident memory with 8 channels, KiB', figure: (run) => run.residentKib, digits: 0 },
];

/**
 * @param {readonly RunRound[]} rounds measured rounds
 * @param {Setting} setting
 * @returns {string} Markdown
 */
export function table(rounds, setting) {
  const sides = /** @type {Side[]} */ (Object.keys(setting.versions));
  const compared = COMPARISONS.filter(([of, to]) => sides.includes(of) && sides.includes(to));
  const columns = [
    ...sides.map((side) => header(side, setting)),
    ...compared.flatMap(([of, to]) => [`${NAMES[of]} / ${NAMES[to]}`, '95 % interval']),
  ];
  const rows = FIGURES.map(({ title, figure, digits }) => {
    const values = sides.map((side) => figuresOf(rounds, side, figure));
    const means = values.map((each) => formatted(geometricMean(each), digits));
    return `| ${[title, ...means, ...compared.map((pair) => interval(ratio(rounds, pair, figure)))].join(' | ')} |`;
  });
  return [
    `${setting.machine}; ${setting.system}. \`${setting.command}\``,
    '',
    `| coturn | ${columns.join(' | ')} |`,
    `|---|${'---:|'.repeat(columns.length)}`,
    ...rows,
    '',
    `Geometric means of ${rounds.length} rounds; paired t intervals of the log-ratios. ` +
      `Mean core usage of turnserver and load, and lost packets: ${sides.map((side) => use(rounds, side)).join('; ')}.`,
    '',
    ...(setting.metrics ? compared.map((pair) => verdict(rounds, pair)) : []),
    ...warnings(rounds, sides),
    '',
  ].join('\n');
}

/** @param {Side} side @param {Setting} setting */
function header(side, { versions, metrics }) {
  const on = side === 'debian' ? '' : `, metrics ${metrics ? 'on' : 'off'}`;
  return `${NAMES[side]}, ${versions[side]}${on}`;
}

/** @param {readonly RunRound[]} rounds @param {Side} side @param {(run: Run) => number} figure */
function figuresOf(rounds, side, figure) {
  return rounds.map((round) => {
    const run = round[side];
    if (run === undefined) throw new RangeError(`a round without ${side}`);
    return figure(run);
  });
}

/** @param {readonly RunRound[]} rounds @param {Comparison} pair @param {(run: Run) => number} figure */
function ratio(rounds, [of, to], figure) {
  const others = figuresOf(rounds, to, figure);
  return ratioOf(figuresOf(rounds, of, figure).map((value, i) => [value, others[i] ?? Number.NaN]));
}

/** @param {readonly RunRound[]} rounds @param {Comparison} pair */
function verdict(rounds, pair) {
  const { low } = ratio(rounds, pair, packetsPerSecond);
  const [of, to] = pair;
  return `Goal: the lower bound for packets per second of ${NAMES[of]} / ${NAMES[to]} is at least ${GOAL}. ${low >= GOAL ? 'Met.' : '**Not met.**'}`;
}

/** @param {number} value @param {number} digits */
function formatted(value, digits) {
  return value.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

/** @param {import('./rounds.js').Estimate} estimate */
function interval({ ratio: middle, low, high }) {
  return `${middle.toFixed(4)} | ${low.toFixed(4)} to ${high.toFixed(4)}`;
}

const busyOf = (/** @type {Run} */ run) => run.serverSeconds / run.seconds;
const lostOf = (/** @type {Run} */ run) => Math.max(0, 1 - (run.byPeers + run.byClients) / run.sent);

/** @param {readonly RunRound[]} rounds @param {Side} side */
function use(rounds, side) {
  const percent = (/** @type {(run: Run) => number} */ figure, digits = 0) =>
    `${(100 * mean(figuresOf(rounds, side, figure))).toFixed(digits)} %`;
  return `${NAMES[side]} ${percent(busyOf)}, ${percent((run) => run.loadSeconds / run.seconds)}, ${percent(lostOf, 2)}`;
}

/**
 * Warnings about unreliable figures.
 * @param {readonly RunRound[]} rounds
 * @param {readonly Side[]} sides
 */
function warnings(rounds, sides) {
  const all = (/** @type {(run: Run) => number} */ figure) =>
    sides.flatMap((side) => figuresOf(rounds, side, figure));
  const runs = sides.length * rounds.length;
  const idle = all(busyOf).filter((share) => share < BUSY).length;
  const lossy = all(lostOf).filter((share) => share > 0.01).length;
  return [
    ...(idle > 0
      ? [
          '',
          `Warning: in ${idle} of ${runs} runs turnserver had less than ${100 * BUSY} % of its core, because the machine was busy or the load was the bottleneck. Rely on the processor time per packet.`,
        ]
      : []),
    ...(lossy > 0
      ? ['', `Warning: in ${lossy} of ${runs} runs more than 1 % of the packets were lost.`]
      : []),
  ];
}
