// `npm run mutants [-- FOLDER...]`: mutation testing of each folder of src/. Changes operators, bounds and conditions one at a time, and
// counts the mutants that the folder's own tests detect.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { parse } from 'yaml';
import { explain, GOAL, scoreOf } from './mutants/score.js';

const FOLDERS = ['recipe', 'plan', 'packaging', 'checks', 'config', 'turn', 'manifest', 'run', 'ui'];
const HELP = `Mutation tests of folders of src/. Fails if the tests of a folder detect less than ${GOAL} % of its mutants.

  npm run mutants -- [FOLDER...]    ${FOLDERS.join(' ')} (all by default)

  --concurrency N    parallel processes (2 by default)
  --all              also list survivors that have a reason in test/mutants.yaml
`;

const root = fileURLToPath(new URL('..', import.meta.url)).replace(/\/$/, '');
/** As in stryker.config.json. */
const reportFile = `${root}/node_modules/.cache/stryker/mutants.json`;

/** @param {string} message @returns {never} */
function usage(message) {
  console.error(`mutants: ${message}\n\n${HELP}`);
  process.exit(2);
}

let parsed;
try {
  parsed = parseArgs({
    allowPositionals: true,
    options: {
      concurrency: { type: 'string', default: '2' },
      all: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
} catch (error) {
  usage(error instanceof Error ? error.message : String(error));
}
const { values, positionals } = parsed;
if (values.help) {
  console.log(HELP);
  process.exit(0);
}
const unknown = positionals.find((folder) => !FOLDERS.includes(folder));
if (unknown !== undefined) usage(`unknown folder "${unknown}"`);
if (!/^[1-9]\d*$/.test(values.concurrency))
  usage(`invalid --concurrency ${values.concurrency}: expected a whole number above 0`);

/** @type {import('./mutants/score.js').Reason[]} */
const reasons = parse(readFileSync(`${root}/test/mutants.yaml`, 'utf8'));
const failures = [];
for (const folder of positionals.length > 0 ? positionals : FOLDERS) {
  rmSync(reportFile, { force: true });
  const args = ['run', '--mutate', `src/${folder}/**/*.ts`, '--concurrency', values.concurrency];
  const { status } = spawnSync('npx', ['stryker', ...args, '--reporters', 'json,progress-append-only'], {
    cwd: root,
    // Stryker's progress is not part of the result, so it goes to standard error.
    stdio: ['ignore', 2, 2],
    env: { ...process.env, MUTANTS_FOLDER: folder },
  });
  if (status !== 0 || !existsSync(reportFile)) {
    console.error(
      `${folder}: Stryker failed with exit code ${status}. To see its output: MUTANTS_FOLDER=${folder} npx stryker ${args.join(' ')}`,
    );
    process.exit(1);
  }
  const { mutants, noticed, timeouts, percent, survivors } = scoreOf(
    JSON.parse(readFileSync(reportFile, 'utf8')),
  );
  const late = timeouts.length > 0 ? ` (${timeouts.length} by a timeout)` : '';
  console.log(`${folder}: ${noticed} of ${mutants} mutants detected${late}, ${percent.toFixed(1)} %`);
  const explained = explain(
    survivors,
    reasons.filter(({ file }) => file.startsWith(`src/${folder}/`)),
    timeouts,
  );
  for (const { file, line, code, mutation, covered, reason } of explained.survivors)
    if (reason === undefined || values.all)
      console.log(
        `  ${file}:${line}${covered ? '' : ' (not covered)'} ${code}\n    as ${mutation}${reason === undefined ? '' : `\n    ${reason}`}`,
      );
  for (const { file, code } of explained.stale)
    failures.push(`${file}: test/mutants.yaml has a reason for "${code}", but no such mutant survives`);
  if (percent < GOAL) failures.push(`${folder}: ${percent.toFixed(1)} % is less than ${GOAL} %`);
}
for (const failure of failures) console.error(`mutants: ${failure}`);
process.exit(failures.length > 0 ? 1 : 0);
