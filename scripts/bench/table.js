// @ts-check
// The section of BENCHMARKS.md. Pure.
import { cpuPerPacket, GOAL, geometricMean, mean, packetsPerSecond, ratioOf } from './rounds.js';

/**
 * @typedef {object} Setting
 * @property {string} machine processors and memory
 * @property {string} system kernel, distribution of the roots, Docker
 * @property {import('./rounds.js').Pair<string>} versions of the packages
 * @property {boolean} metrics whether ours had them on
 * @property {string} command
 */
/** @typedef {import('./rounds.js').Pair<import('./rounds.js').Run>} RunPair */

/** Below this share of its core the server has waited for something else, and packets per second say less. */
const BUSY = 0.95;

/**
 * @param {readonly RunPair[]} pairs that count
 * @param {Setting} setting
 * @returns {string} Markdown
 */
export function table(pairs, setting) {
  const each = (/** @type {(run: import('./rounds.js').Run) => number} */ figure) =>
    pairs.map(({ ours, debian }) => ({ ours: figure(ours), debian: figure(debian) }));
  const packets = each(packetsPerSecond);
  const cpu = each(cpuPerPacket);
  const rate = ratioOf(packets);
  const busy = each((run) => run.serverSeconds / run.seconds);
  const load = each((run) => run.loadSeconds / run.seconds);
  const lost = each((run) => Math.max(0, 1 - (run.byPeers + run.byClients) / run.sent));
  return [
    `${setting.machine}; ${setting.system}. \`${setting.command}\``,
    '',
    `| coturn | ours, ${setting.versions.ours}, metrics ${setting.metrics ? 'on' : 'off'} | Debian's, ${setting.versions.debian} | ours / Debian's | 95 % interval |`,
    '|---|---:|---:|---:|---:|',
    `| relayed packets per second | ${means(packets, 0)} | ${interval(rate)} |`,
    `| server's processor time per packet, µs | ${means(cpu, 3)} | ${interval(ratioOf(cpu))} |`,
    '',
    `Geometric means of ${pairs.length} pairs; paired t interval of the log-ratios. Mean use of a core: turnserver ` +
      `${percent(busy)}, load ${percent(load)}; packets not arrived: ${percent(lost, 2)} (ours, Debian's).`,
    '',
    ...(setting.metrics
      ? [
          `Goal: the lower bound for packets per second is at least ${GOAL}. ${rate.low >= GOAL ? 'Met.' : '**Not met.**'}`,
        ]
      : []),
    ...warnings(busy, lost),
    '',
  ].join('\n');
}

/** @param {readonly import('./rounds.js').Pair<number>[]} pairs @param {number} digits */
function means(pairs, digits) {
  const one = (/** @type {import('./rounds.js').Side} */ side) =>
    geometricMean(pairs.map((pair) => pair[side])).toLocaleString('en', {
      minimumFractionDigits: digits,
      maximumFractionDigits: digits,
    });
  return `${one('ours')} | ${one('debian')}`;
}

/** @param {import('./rounds.js').Estimate} estimate */
function interval({ ratio, low, high }) {
  return `${ratio.toFixed(4)} | ${low.toFixed(4)} to ${high.toFixed(4)}`;
}

/** @param {readonly import('./rounds.js').Pair<number>[]} pairs @param {number} [digits] */
function percent(pairs, digits = 0) {
  const one = (/** @type {import('./rounds.js').Side} */ side) =>
    (100 * mean(pairs.map((pair) => pair[side]))).toFixed(digits);
  return `${one('ours')} % and ${one('debian')} %`;
}

/**
 * What makes the figures doubtful.
 * @param {readonly import('./rounds.js').Pair<number>[]} busy
 * @param {readonly import('./rounds.js').Pair<number>[]} lost
 */
function warnings(busy, lost) {
  const values = (/** @type {readonly import('./rounds.js').Pair<number>[]} */ pairs) =>
    pairs.flatMap(({ ours, debian }) => [ours, debian]);
  const idle = values(busy).filter((share) => share < BUSY).length;
  const lossy = values(lost).filter((share) => share > 0.01).length;
  return [
    ...(idle > 0
      ? [
          '',
          `Beware: in ${idle} of ${2 * busy.length} runs turnserver had less than ${100 * BUSY} % of its core. The machine was busy, or the load was what held it up; the processor time per packet says more then.`,
        ]
      : []),
    ...(lossy > 0
      ? ['', `Beware: in ${lossy} of ${2 * lost.length} runs more than 1 % of the packets did not arrive.`]
      : []),
  ];
}
