// `npm run mutants [-- ROOM...]`: changes operators, bounds and conditions of each room one at a time, and counts what its own tests notice.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { parse } from 'yaml';
import { explain, GOAL, scoreOf } from './mutants/score.js';

const ROOMS = ['recipe', 'plan', 'packaging', 'checks', 'config', 'turn', 'manifest', 'run', 'ui'];
const HELP = `Changes the code of each room in one place at a time, and fails if less than ${GOAL} % of the changes are noticed by the room's own tests.

  npm run mutants -- [ROOM...]    ${ROOMS.join(' ')} (all by default)

  --concurrency N    processes at a time (2 by default)
  --all              list the survivors that have a reason in test/mutants.yaml, too
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
const unknown = positionals.find((room) => !ROOMS.includes(room));
if (unknown !== undefined) usage(`there is no room "${unknown}"`);
if (!/^[1-9]\d*$/.test(values.concurrency)) usage(`--concurrency ${values.concurrency} is no number`);

/** @type {import('./mutants/score.js').Reason[]} */
const reasons = parse(readFileSync(`${root}/test/mutants.yaml`, 'utf8'));
const failures = [];
for (const room of positionals.length > 0 ? positionals : ROOMS) {
  rmSync(reportFile, { force: true });
  const args = ['run', '--mutate', `src/${room}/**/*.ts`, '--concurrency', values.concurrency];
  const { status } = spawnSync('npx', ['stryker', ...args, '--reporters', 'json'], {
    cwd: root,
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...process.env, MUTANTS_ROOM: room },
  });
  if (status !== 0 || !existsSync(reportFile)) {
    console.error(
      `${room}: Stryker ended with ${status}; its own output: MUTANTS_ROOM=${room} npx stryker ${args.join(' ')}`,
    );
    process.exit(1);
  }
  const { mutants, noticed, timedOut, percent, survivors } = scoreOf(
    JSON.parse(readFileSync(reportFile, 'utf8')),
  );
  const late = timedOut > 0 ? ` (${timedOut} by a timeout)` : '';
  console.log(`${room}: ${noticed} of ${mutants} noticed${late}, ${percent.toFixed(1)} %`);
  const explained = explain(
    survivors,
    reasons.filter(({ file }) => file.startsWith(`src/${room}/`)),
  );
  for (const { file, line, code, mutation, covered, reason } of explained.survivors)
    if (reason === undefined || values.all)
      console.log(
        `  ${file}:${line}${covered ? '' : ' (runs in no test)'} ${code}\n    as ${mutation}${reason === undefined ? '' : `\n    ${reason}`}`,
      );
  for (const { file, code } of explained.stale)
    failures.push(`${file}: a reason is given for "${code}", of which nothing survives`);
  if (percent < GOAL) failures.push(`${room}: ${percent.toFixed(1)} % is less than ${GOAL} %`);
}
for (const failure of failures) console.error(`mutants: ${failure}`);
process.exit(failures.length > 0 ? 1 : 0);
