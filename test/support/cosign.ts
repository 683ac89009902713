import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readAptMirrors } from '../../src/io/apt-mirror.ts';

const FOLDER = fileURLToPath(new URL('../../node_modules/.cache/turnbuild-cosign', import.meta.url));
const RELEASE = 'trixie';

/**
 * Path of cosign: an installed one, or that of Debian 13, which also runs on Debian 12. It is unpacked beside the npm packages. apt has a
 * configuration of its own, so the machine's stays as it is.
 */
export async function provideCosign(): Promise<string> {
  const own = join(FOLDER, 'usr/bin/cosign');
  for (const program of ['cosign', own]) if (spawnSync(program, ['version']).status === 0) return program;
  for (const dir of ['lists/partial', 'cache/archives/partial'])
    mkdirSync(join(FOLDER, dir), { recursive: true });
  const { debian } = await readAptMirrors();
  const source = `deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] ${debian} ${RELEASE} main\n`;
  writeFileSync(join(FOLDER, 'sources.list'), source);
  const settings = [
    ['Dir::Etc::sourcelist', join(FOLDER, 'sources.list')],
    ['Dir::Etc::sourceparts', '/dev/null'],
    ['Dir::State::lists', join(FOLDER, 'lists')],
    ['Dir::Cache', join(FOLDER, 'cache')],
    ['APT::Sandbox::User', 'root'],
  ];
  writeFileSync(join(FOLDER, 'apt.conf'), settings.map(([name, value]) => `${name} "${value}";\n`).join(''));
  const apt = (...args: string[]) =>
    execFileSync('apt-get', ['-q', ...args], {
      cwd: FOLDER,
      env: { ...process.env, APT_CONFIG: join(FOLDER, 'apt.conf') },
      stdio: 'pipe',
    });
  apt('update');
  apt('download', 'cosign');
  const [deb = ''] = readdirSync(FOLDER).filter((name) => name.endsWith('.deb'));
  execFileSync('dpkg-deb', ['--extract', join(FOLDER, deb), FOLDER]);
  execFileSync(own, ['version'], { stdio: 'pipe' });
  return own;
}
