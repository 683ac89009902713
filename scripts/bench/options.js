// @ts-check
// The arguments of `npm run bench:relay`, and the files that they select. Pure.
import { parseArgs } from 'node:util';

/** An error for the user, with the next step. */
export class BenchError extends Error {
  /**
   * @param {string} message
   * @param {string} hint
   */
  constructor(message, hint) {
    super(message);
    this.hint = hint;
  }
}

/**
 * @typedef {object} Options
 * @property {number} rounds measured rounds, in each of which each side runs once
 * @property {number} seconds per run
 * @property {string} target name of a recipe, e.g. `debian-13`
 * @property {string | undefined} deb the package; by default the newest in dist/
 * @property {string | undefined} portable the tarball of the portable target, measured as well
 * @property {boolean} metrics whether our package runs with metrics enabled
 */

export const USAGE = `npm run bench:relay -- [--rounds N] [--seconds S] [--target NAME] [--deb FILE] [--portable FILE] [--no-metrics]

  --rounds N     measured rounds, 2 or more (60); one more round runs first as a warm-up
  --seconds S    measured seconds per run, 1 to 240 (5)
  --target NAME  distribution whose own coturn is compared with ours (debian-13)
  --deb FILE     our package (the newest of the target in dist/, of this machine's architecture)
  --portable F   the portable target's .tar.gz, compared with our package
  --no-metrics   turn metrics off in our package, to compare only the two programs
`;

/**
 * @param {readonly string[]} words
 * @returns {Options | undefined} undefined if help is wanted
 * @throws {BenchError}
 */
export function parseOptions(words) {
  const { values } = read(words);
  if (values.help === true) return undefined;
  return {
    rounds: number('--rounds', values.rounds ?? '60', { least: 2, most: 1000, whole: true }),
    // Permissions expire after five minutes: RFC 8656, 9.
    seconds: number('--seconds', values.seconds ?? '5', { least: 1, most: 240, whole: false }),
    target: values.target ?? 'debian-13',
    deb: values.deb,
    portable: values.portable,
    metrics: values['no-metrics'] !== true,
  };
}

/** @param {readonly string[]} words */
function read(words) {
  const text = /** @type {const} */ ({ type: 'string' });
  try {
    return parseArgs({
      args: [...words],
      options: {
        rounds: text,
        seconds: text,
        target: text,
        deb: text,
        portable: text,
        'no-metrics': { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
      },
    });
  } catch (error) {
    throw new BenchError(error instanceof Error ? error.message : String(error), USAGE);
  }
}

/**
 * @param {string} option
 * @param {string} text
 * @param {{ least: number, most: number, whole: boolean }} range
 */
function number(option, text, { least, most, whole }) {
  const value = text.trim() === '' ? Number.NaN : Number(text);
  if (!(value >= least && value <= most) || (whole && !Number.isInteger(value)))
    throw new BenchError(
      `${option} takes a ${whole ? 'whole ' : ''}number from ${least} to ${most}, not "${text}"`,
      USAGE,
    );
  return value;
}

/** Debian's names of the architectures that Node names. @type {Readonly<Record<string, string>>} */
const DEBIAN_ARCHITECTURES = { x64: 'amd64', arm64: 'arm64' };
/** The names in base images and recipes. @type {Readonly<Record<string, string>>} */
const ROOT_ARCHITECTURES = { x64: 'x86_64', arm64: 'arm64' };

/**
 * @param {string} nodeArch `process.arch`
 * @returns {{ deb: string, root: string }}
 */
export function architectureOf(nodeArch) {
  const deb = DEBIAN_ARCHITECTURES[nodeArch];
  const root = ROOT_ARCHITECTURES[nodeArch];
  if (deb === undefined || root === undefined)
    throw new BenchError(`No packages are built for ${nodeArch}`, 'Run it on an x86_64 or arm64 machine.');
  return { deb, root };
}

/**
 * The newest package of a target: highest coturn version, then highest revision. File dates do not help: they are those of the source.
 * @param {readonly string[]} files paths below dist/, `VERSION/FILE`
 * @param {{ label: string, deb: string }} target label of its packages, Debian's name of the architecture
 * @returns {string | undefined}
 */
export function newestPackage(files, { label, deb }) {
  const byNumber = new Intl.Collator('en', { numeric: true });
  return files
    .filter((file) => new RegExp(`^[^/]+/coturn_[^/]*~${label}_${deb}\\.deb$`).test(file))
    .sort(byNumber.compare)
    .at(-1);
}
