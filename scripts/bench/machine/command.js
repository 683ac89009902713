// @ts-check
// Variants of the docker command that builds an image. Pure.

/**
 * A `docker buildx build`, in words.
 * @typedef {object} Build
 * @property {string[]} options from `--progress` on
 * @property {string} folder the build context
 */
/**
 * @typedef {object} Changes
 * @property {string} target stage of the Dockerfile
 * @property {string} output value of --output
 * @property {string} [platform] another platform
 * @property {string} [file] another Dockerfile
 * @property {string} [folder] another build context
 * @property {Readonly<Record<string, string>>} [contexts] other named contexts
 * @property {Readonly<Record<string, string>>} [args] other build arguments
 * @property {readonly string[]} [fresh] stages that are not taken from the build cache
 */

/**
 * The build in a command of `turnbuild --dry-run`.
 * @param {readonly string[]} words environment, program and arguments
 * @returns {Build}
 */
export function buildOf(words) {
  const first = words.indexOf('build');
  const folder = words.at(-1);
  if (words[first - 1] !== 'buildx' || words[first - 2] !== 'docker' || folder === undefined)
    throw new RangeError(`not a docker buildx build: ${words.join(' ')}`);
  return { options: words.slice(first + 1, -1), folder };
}

/**
 * Arguments of docker for a variant of a build.
 * @param {Build} build @param {Changes} changes @returns {string[]}
 */
export function adapted({ options, folder }, changes) {
  const { contexts = {}, args = {}, fresh = [] } = changes;
  const { target, output, platform, file } = changes;
  const own = Object.entries({ target, output, platform, file }).flatMap(([name, value]) =>
    value === undefined ? [] : [[`--${name}`, value]],
  );
  const replaced = [
    '--no-cache-filter',
    ...own.map(([name]) => name),
    ...Object.keys(contexts).map((name) => `--build-context=${name}`),
    ...Object.keys(args).map((name) => `--build-arg=${name}`),
  ];
  return [
    ...['buildx', 'build'],
    ...options.filter((option) => !replaced.some((name) => option.startsWith(`${name}=`))),
    ...own.map(([name, value]) => `${name}=${value}`),
    ...(fresh.length === 0 ? [] : [`--no-cache-filter=${fresh.join(',')}`]),
    ...Object.entries(contexts).map(([name, value]) => `--build-context=${name}=${value}`),
    ...Object.entries(args).map(([name, value]) => `--build-arg=${name}=${value}`),
    changes.folder ?? folder,
  ];
}
