// @ts-check
// The order of the runs, and statistics of their results. Pure.

/** @typedef {'portable' | 'ours' | 'debian'} Side */
/**
 * The load program's output for one run.
 * @typedef {object} Run
 * @property {number} seconds wall time of the measurement
 * @property {number} byPeers packets received by peers
 * @property {number} byClients packets received by clients
 * @property {number} sent packets sent by both
 * @property {number} serverSeconds processor time of turnserver, user and system
 * @property {number} loadSeconds processor time of the load
 * @property {number} startMs milliseconds from the start of turnserver until it accepted a connection
 * @property {number} residentKib its resident memory with eight channels, before the load
 */
/**
 * A run of each side, one right after the other.
 * @template T
 * @typedef {Partial<Record<Side, T>>} Round
 */
/**
 * @typedef {object} Estimate
 * @property {number} ratio of one side to another, geometric mean of the rounds
 * @property {number} low lower bound of the 95 % confidence interval
 * @property {number} high upper bound
 */

/** The metrics may cost 2 % of the packets per second: the lower bound of the ratio must reach this. */
export const GOAL = 0.98;

/**
 * The order of the runs: sides alternate, and each round starts with another side, so that a machine that becomes slower or faster affects
 * all sides equally. The first, additional round is the warm-up.
 * @param {number} rounds measured rounds
 * @param {readonly Side[]} sides
 * @returns {Side[][]}
 */
export function schedule(rounds, sides) {
  return Array.from({ length: rounds + 1 }, (_, i) => {
    const first = i % sides.length;
    return [...sides.slice(first), ...sides.slice(0, first)];
  });
}

/**
 * The measured rounds: all but the first.
 * @template T
 * @param {readonly T[]} rounds
 */
export function counted(rounds) {
  return rounds.slice(1);
}

/**
 * Relayed packets per second, as counted by the receivers.
 * @param {Run} run
 */
export function packetsPerSecond(run) {
  return (run.byPeers + run.byClients) / run.seconds;
}

/**
 * Microseconds of the server's processor time for one relayed packet.
 * @param {Run} run
 */
export function cpuPerPacket(run) {
  return (run.serverSeconds * 1e6) / (run.byPeers + run.byClients);
}

/** @param {readonly number[]} values @returns {number} */
export function mean(values) {
  if (values.length === 0) throw new RangeError('no values');
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** @param {readonly number[]} values all above 0 @returns {number} */
export function geometricMean(values) {
  return Math.exp(mean(values.map((value) => Math.log(value))));
}

/** 97.5 % quantiles of Student's t for 1 to 30 degrees of freedom: NIST/SEMATECH e-Handbook of Statistical Methods, 1.3.6.7.2. */
const T_QUANTILES = [
  12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.16, 2.145, 2.131,
  2.12, 2.11, 2.101, 2.093, 2.086, 2.08, 2.074, 2.069, 2.064, 2.06, 2.056, 2.052, 2.048, 2.045, 2.042,
];

/**
 * 97.5 % quantile of Student's t. Above 30 degrees of freedom it is that of 30, which makes an interval at most 4 % wider.
 * @param {number} degrees at least 1
 * @returns {number}
 */
export function studentT(degrees) {
  const value = T_QUANTILES[Math.min(degrees, T_QUANTILES.length) - 1];
  if (value === undefined) throw new RangeError(`no t quantile for ${degrees} degrees of freedom`);
  return value;
}

/**
 * Ratio of two sides with a 95 % confidence interval: the paired t interval of the logarithms of each round's ratio.
 * A bootstrap of so few rounds would be too narrow. The computation is deterministic: the same runs give the same interval.
 * @param {readonly (readonly [number, number])[]} pairs the two values of each round: at least two rounds, values above 0
 * @returns {Estimate}
 */
export function ratioOf(pairs) {
  if (pairs.length < 2) throw new RangeError('an interval requires at least two pairs');
  const logs = pairs.map(([of, to]) => Math.log(of / to));
  const middle = mean(logs);
  const variance = logs.reduce((sum, log) => sum + (log - middle) ** 2, 0) / (logs.length - 1);
  const half = studentT(logs.length - 1) * Math.sqrt(variance / logs.length);
  return { ratio: Math.exp(middle), low: Math.exp(middle - half), high: Math.exp(middle + half) };
}
