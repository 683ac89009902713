// @ts-check
// Compares line by line the facts of two verifications of one package about installing, upgrading and removing it.

/** Facts that may differ between runs: times, the container's address, and a client's number of attempts. */
const VARYING_FACTS = /^(seconds\.|address$|.*\.(attempts|sent)$)/;

/** Files whose lines must be the same. */
const EXACT = /(\.(?:changes|accounts)\.txt|\.packages|^unresolved\.txt|^edited\.conf)$/;

/** Files in a list of changes whose contents depend on the time, so their digests may differ. */
const VARYING_FILE =
  /\t\/var\/(?:log\/(?:alternatives|dpkg|dnf|dnf\.librepo|dnf\.rpm|hawkey)\.log|cache\/ldconfig\/aux-cache)\t/;

/** Output of apt, dpkg, dnf and the maintainer scripts. */
const LOGS = [
  ...[
    'apt-update',
    'install',
    'truncated',
    'pre-fails',
    'preinst-fails',
    'postinst-fails',
    'recovered',
    'upgraded-running',
  ],
  ...['remove', 'purge', 'distribution', 'upgrade', 'upgrade-purge', 'upgrade-remove'],
].map((name) => `${name}.log`);

/**
 * Lines of a log without values that depend on time: apt's and dnf's progress, the order and speed of downloads, dpkg's percentages, and
 * digests of files packed during the run.
 * @param {string} text
 */
function linesOfLog(text) {
  return text
    .split(/[\r\n]+/)
    .filter((line) => !/^(Get|Hit|Ign):\d+ |^Fetched |^\(Reading database \.\.\. (\d+%)?$/.test(line))
    .filter((line) => !/^Last metadata expiration check: |^floor .*B\/s \| /.test(line))
    .map((line) => line.replace(/(Payload \w+ ALT digest: BAD) \(.*\)$/, '$1'));
}

/**
 * @param {string} name of the file
 * @param {string} text
 */
function linesOf(name, text) {
  if (name !== 'facts.txt')
    return EXACT.test(name)
      ? text
          .split('\n')
          .map((line) => (VARYING_FILE.test(line) ? line.replaceAll(/ [0-9a-f]{64}/g, '') : line))
      : linesOfLog(text);
  // A client that retries records its exit code each time. The last one counts.
  const facts = new Map(text.split('\n').map((line) => [line.split('\t')[0] ?? '', line]));
  // Parallel programs write some facts in any order.
  return [...facts]
    .filter(([fact]) => !VARYING_FACTS.test(fact))
    .map(([, line]) => line)
    .sort();
}

/**
 * @param {ReadonlyMap<string, string>} first texts of the files of `verify/`, by name
 * @param {ReadonlyMap<string, string>} second
 * @returns {string[]} `FILE: - line` for lines only in the first folder, `FILE: + line` for lines only in the second folder
 */
export function differences(first, second) {
  const names = [...new Set([...first.keys(), ...second.keys()])]
    .filter((name) => name === 'facts.txt' || EXACT.test(name) || LOGS.includes(name))
    .sort();
  if (!names.includes('facts.txt')) throw new Error('neither folder has a facts.txt');
  return names.flatMap((name) => {
    if (!first.has(name) || !second.has(name))
      return [`${name}: only in the ${first.has(name) ? 'first' : 'second'} folder`];
    const a = linesOf(name, first.get(name) ?? '');
    const b = linesOf(name, second.get(name) ?? '');
    if (a.join('\n') === b.join('\n')) return [];
    const only = [
      ...without(a, b).map((line) => `${name}: - ${line}`),
      ...without(b, a).map((line) => `${name}: + ${line}`),
    ];
    return only.length > 0 ? only : [`${name}: same lines in a different order`];
  });
}

/**
 * Lines of the first list that are missing from the second one, taking repetitions into account.
 * @param {readonly string[]} lines
 * @param {readonly string[]} others
 */
function without(lines, others) {
  const left = [...others];
  return lines.filter((line) => {
    const at = left.indexOf(line);
    if (at >= 0) left.splice(at, 1);
    return at < 0;
  });
}
