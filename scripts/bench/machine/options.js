// @ts-check
// The arguments of `npm run bench:image`. Pure.
import { parseArgs } from 'node:util';
import { BenchError } from '../options.js';

/** What can be measured, in this order. */
export const PARTS = /** @type {const} */ (['root', 'disk', 'boot', 'configuration']);

/** @typedef {(typeof PARTS)[number]} Part */
/** @typedef {'arm64' | 'x86_64'} Arch */
/**
 * @typedef {object} Options
 * @property {Part[]} parts in the order of `PARTS`
 * @property {Arch} arch architecture of the images
 * @property {number} rounds how often each side of a comparison is measured
 */

export const USAGE = `npm run bench:image -- [root] [disk] [boot] [configuration] [--arch ARCH] [--rounds N]

  root           a machine's root file system: native tools against apt under QEMU
  disk           the same, up to the exported disk
  boot           from power on to the first STUN answer, against a plain Debian image
  configuration  a changed configuration file, up to the new disk
  --arch ARCH    architecture of the images: arm64 or x86_64 (the one that this machine does not have)
  --rounds N     measurements of each side, 1 to 99 (3)
`;

/**
 * @param {readonly string[]} words
 * @param {Arch} own architecture of this machine
 * @returns {Options | undefined} undefined if help is wanted
 * @throws {BenchError}
 */
export function parseOptions(words, own) {
  const { values, positionals } = read(words);
  if (values.help === true) return undefined;
  const arch = archOf(values.arch ?? (own === 'arm64' ? 'x86_64' : 'arm64'));
  const unknown = positionals.find((word) => !PARTS.some((part) => part === word));
  if (unknown !== undefined) throw new BenchError(`Unknown part "${unknown}"`, USAGE);
  const parts = PARTS.filter((part) => positionals.length === 0 || positionals.includes(part));
  const foreign = parts.find((part) => part === 'root' || part === 'disk');
  if (arch === own && foreign !== undefined)
    throw new BenchError(
      `"${foreign}" compares with QEMU, so it needs a foreign architecture, not ${arch}`,
      'Name the other parts, or another --arch.',
    );
  return { parts, arch, rounds: count(values.rounds ?? '3') };
}

/** @param {readonly string[]} words */
function read(words) {
  try {
    return parseArgs({
      args: [...words],
      allowPositionals: true,
      options: {
        arch: { type: 'string' },
        rounds: { type: 'string' },
        help: { type: 'boolean', short: 'h' },
      },
    });
  } catch (error) {
    throw new BenchError(error instanceof Error ? error.message : String(error), USAGE);
  }
}

/** @param {string} word @returns {Arch} */
function archOf(word) {
  if (word === 'arm64' || word === 'x86_64') return word;
  throw new BenchError(`--arch takes arm64 or x86_64, not "${word}"`, USAGE);
}

/** @param {string} word */
function count(word) {
  if (/^[1-9]\d?$/.test(word)) return Number(word);
  throw new BenchError(`--rounds takes a whole number from 1 to 99, not "${word}"`, USAGE);
}
