// Pure: results of versions -> docs/versions.md.

/**
 * The result of one version for one target and architecture.
 * @typedef {{ id: string, status: string, message: string, advisories?: string[], cause?: string, blockedBy?: string }} Check
 * `key` is a digest of all its inputs.
 * @typedef {{ version: string, target: string, arch: string, seconds: number, key: string | undefined, checks: Check[], error?: string }} Result
 */

/** Compares the parts of versions as numbers. @param {string} a @param {string} b */
export const byVersion = (a, b) => a.localeCompare(b, 'en', { numeric: true });

/** Checks that report a fault of the version. @param {Result} result */
const bad = ({ checks }) => checks.filter(({ status }) => ['failed', 'accepted', 'blocked'].includes(status));

/** Whether a check failed without an advisory, or is blocked by such a failure. @param {Result} result */
export const isUnexplained = (result) => {
  const all = bad(result);
  const known = new Set(all.filter(({ advisories }) => advisories !== undefined).map(({ id }) => id));
  return result.error !== undefined || all.some(({ id, blockedBy }) => !known.has(blockedBy ?? id));
};

/** Errors of the machine, unrelated to the coturn version. */
const MACHINE =
  /\[(DISK_FULL|QEMU_TOO_OLD|MMDEBSTRAP_MISSING|MIRROR_UNKNOWN|INTERRUPTED|(BUILDER|BUILDX|DOCKER)_[A-Z_]+)\]/;

/** The code of the machine's error that ended a run; undefined if there is none. @param {string} output of turnbuild */
export const machineError = (output) => MACHINE.exec(output)?.[1];

/** One result in a few words. @param {Result | undefined} result */
export function cellOf(result) {
  if (result === undefined) return 'not tried';
  if (result.error !== undefined) return '**not built**';
  const passed = result.checks.filter(({ status }) => status === 'passed').length;
  const all = bad(result);
  if (all.length === 0) return `passes (${passed})`;
  const blocked = all.filter(({ status }) => status === 'blocked').length;
  const failed = all.length - blocked;
  const counts = `${failed} failed${blocked > 0 ? `, ${blocked} blocked` : ''}`;
  return isUnexplained(result) ? `**fails**: ${counts}` : `${counts}, known`;
}

/**
 * @param {readonly Result[]} results
 * @param {(result: Result) => boolean} isCurrent
 * @returns {string} a Markdown table with a row per version and a column per target and architecture
 */
export function matrix(results, isCurrent = () => true) {
  const columns = [...new Set(results.map(({ target, arch }) => `${target} ${arch}`))].sort();
  const versions = [...new Set(results.map(({ version }) => version))].sort(byVersion);
  const rows = versions.map((version) => {
    const cells = columns.map((column) => {
      const result = results.find(
        (each) => each.version === version && `${each.target} ${each.arch}` === column,
      );
      return `${cellOf(result)}${result === undefined || isCurrent(result) ? '' : ' †'}`;
    });
    return `| ${version} | ${cells.join(' | ')} |`;
  });
  return [`| coturn | ${columns.join(' | ')} |`, `|---|${columns.map(() => '---|').join('')}`, ...rows].join(
    '\n',
  );
}

/** Every failed check of a version once, with its reason and targets. @param {readonly Result[]} results */
export function reasons(results) {
  /** @type {Map<string, { version: string, check: Check, places: string[] }>} */
  const found = new Map();
  for (const result of results)
    for (const check of bad(result).filter(({ status }) => status !== 'blocked')) {
      const key = `${result.version} ${check.id}`;
      const entry = found.get(key) ?? { version: result.version, check, places: [] };
      entry.places.push(`${result.target} ${result.arch}`);
      found.set(key, entry);
    }
  const rows = [...found.values()]
    .sort((a, b) => byVersion(a.version, b.version) || a.check.id.localeCompare(b.check.id))
    .map(({ version, check, places }) => {
      const why = check.cause ?? check.message;
      return `| ${version} | \`${check.id}\` | ${plain(why)} | ${(check.advisories ?? ['**none**']).join(', ')} | ${places.join(', ')} |`;
    });
  const errors = results
    .filter(({ error }) => error !== undefined)
    .map(
      ({ version, target, arch, error }) => `| ${version} | | ${plain(error ?? '')} | | ${target} ${arch} |`,
    );
  if (rows.length + errors.length === 0) return 'No check failed.';
  return [
    '| coturn | check | finding | advisory | packages |',
    '|---|---|---|---|---|',
    ...rows,
    ...errors,
  ].join('\n');
}

/** Text for a cell of a table. @param {string} text */
function plain(text) {
  const line = text.replaceAll(/\s+/g, ' ').replaceAll('|', '/').trim();
  return line.length > 300 ? `${line.slice(0, 297)}...` : line;
}

/**
 * @param {readonly Result[]} results
 * @param {(result: Result) => boolean} isCurrent whether the current turnbuild would run the same steps
 * @returns {string} docs/versions.md
 */
export function page(results, isCurrent) {
  const old = results.every(isCurrent) ? '' : '\n\n† Recorded with an earlier version of turnbuild.';
  return `# coturn versions

Generated by \`npm run versions -- DIR\`, which builds, packages and verifies every coturn tarball in a folder. "Passes" means that every check
that ran passed; the number counts them. "Known" means that each failure is a fault of that coturn version for which there is an advisory;
\`--accept ADVISORY\` accepts it. "Blocked" checks could not run because another one failed.${old}

${matrix(results, isCurrent)}

## Failed checks

${reasons(results)}
`;
}
