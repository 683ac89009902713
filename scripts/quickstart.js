// `npm run quickstart`: from a fresh clone to verified packages. Uses only Node, because no dependencies are installed yet.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createInterface } from 'node:readline/promises';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url)).replace(/\/$/, '');
const yes = process.argv.includes('--yes') || process.argv.includes('-y');
const HELP = `Usage: npm run quickstart -- [--yes] [options of turnbuild release]

Builds and verifies coturn 4.6.1 from the Debian archive, on Debian 12 or 13:
lists missing prerequisites, asks for confirmation, installs them, and runs

  turnbuild release 4.6.1 --source debian

  -y, --yes   install without asking; required without a terminal
  -h, --help  print this

Exit codes: 0 success, 1 failure, 2 usage error, or no terminal for the prompt.

Examples:
  npm run quickstart
  npm run quickstart -- --yes --target debian-13 --arch arm64
`;
const passed = process.argv.slice(2).filter((word) => word !== '--yes' && word !== '-y');

function run(file, args) {
  console.log(`\n$ ${[file, ...args].join(' ')}`);
  const result = spawnSync(file, args, { cwd: root, stdio: 'inherit' });
  if (result.error !== undefined) console.error(`quickstart: ${file}: ${result.error.message}`);
  if (result.status !== 0) process.exit(result.status ?? 1);
}

/** Asks before anything is installed. */
async function confirm() {
  if (yes) return;
  const prompt = createInterface({ input: process.stdin, output: process.stdout });
  const refused = () => {
    console.log('Nothing was changed. `turnbuild doctor` lists missing prerequisites.');
    process.exit(1);
  };
  // Ctrl-D and Ctrl-C mean no.
  prompt.once('close', refused);
  const answer = await prompt.question('\nInstall and start this? [Y/n] ');
  prompt.off('close', refused);
  prompt.close();
  if (!/^(|y|yes)$/i.test(answer.trim())) refused();
}

/** Without a terminal: shows what would be installed, if that is possible without changes, and exits. */
function refuse() {
  if (existsSync(`${root}/lib/cli.js`) && existsSync(INSTALLED))
    for (const args of [['doctor'], ['doctor', '--fix', '--dry-run']]) {
      console.log(`\n$ turnbuild ${args.join(' ')}`);
      if (spawnSync(process.execPath, [turnbuild, ...args], { cwd: root, stdio: 'inherit' }).status === 0)
        break;
    }
  console.error(
    '\nquickstart: nothing was changed: there is no terminal for the prompt.\nTo install and build without asking: npm run quickstart -- --yes',
  );
  process.exit(2);
}

const turnbuild = `${root}/bin/turnbuild.js`;
const INSTALLED = `${root}/node_modules/.package-lock.json`;
if (passed.some((word) => word === '--help' || word === '-h')) {
  console.log(HELP);
  process.exit(0);
}
if (!yes && !(process.stdin.isTTY && process.stdout.isTTY)) refuse();
console.log('turnbuild quickstart: builds and verifies coturn 4.6.1 from the Debian archive.');
if (!existsSync(INSTALLED)) run('npm', ['ci', '--no-audit', '--no-fund']);
run('npm', ['run', '--silent', 'build']);

console.log('\n$ turnbuild doctor');
const doctor = spawnSync(process.execPath, [turnbuild, 'doctor'], { cwd: root, stdio: 'inherit' });
if (doctor.status !== 0) {
  // With --yes the real run prints the same before it installs.
  if (!yes) run(process.execPath, [turnbuild, 'doctor', '--fix', '--dry-run']);
  await confirm();
  run(process.execPath, [turnbuild, 'doctor', '--fix']);
}
run(process.execPath, [turnbuild, 'release', '4.6.1', '--source', 'debian', ...passed]);
