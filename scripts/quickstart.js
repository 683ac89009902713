// `npm run quickstart`: from a fresh clone to verified packages. Plain Node, because nothing is installed yet.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createInterface } from 'node:readline/promises';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url)).replace(/\/$/, '');
const yes = process.argv.includes('--yes') || process.argv.includes('-y');
const passed = process.argv.slice(2).filter((word) => word !== '--yes' && word !== '-y');

function run(file, args) {
  console.log(`\n$ ${[file, ...args].join(' ')}`);
  const result = spawnSync(file, args, { cwd: root, stdio: 'inherit' });
  if (result.error !== undefined) console.error(`quickstart: ${file}: ${result.error.message}`);
  if (result.status !== 0) process.exit(result.status ?? 1);
}

/** Asks before anything is installed; without a terminal or --yes, says how to agree and ends. */
async function confirm() {
  if (yes) return;
  if (!process.stdin.isTTY || !process.stdout.isTTY) {
    console.error(
      '\nquickstart: nothing was changed. To install this without a prompt: npm run quickstart -- --yes',
    );
    process.exit(1);
  }
  const prompt = createInterface({ input: process.stdin, output: process.stdout });
  const answer = await prompt.question('\nInstall and start this? [Y/n] ');
  prompt.close();
  if (!/^(|y|yes)$/i.test(answer.trim())) {
    console.log('Nothing was changed. `turnbuild doctor` lists what is missing.');
    process.exit(1);
  }
}

console.log('turnbuild quickstart: builds and verifies coturn 4.6.1 from the Debian archive.');
if (!existsSync(`${root}/node_modules/.package-lock.json`)) run('npm', ['ci', '--no-audit', '--no-fund']);
run('npm', ['run', '--silent', 'build']);

const turnbuild = `${root}/bin/turnbuild.js`;
console.log('\n$ turnbuild doctor');
const doctor = spawnSync(process.execPath, [turnbuild, 'doctor'], { cwd: root, stdio: 'inherit' });
if (doctor.status !== 0) {
  // With --yes the real run prints the same before it installs.
  if (!yes) run(process.execPath, [turnbuild, 'doctor', '--fix', '--dry-run']);
  await confirm();
  run(process.execPath, [turnbuild, 'doctor', '--fix']);
}
run(process.execPath, [turnbuild, 'release', '4.6.1', '--source', 'debian', ...passed]);
