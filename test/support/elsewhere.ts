import { execFileSync } from 'node:child_process';
import { cpSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { basename, join, relative } from 'node:path';
import { edit, ROOT } from './e2e.ts';
import type { RunOptions } from './turnbuild.ts';

/** Recipes of debian-13 whose containers have a clock that is a day ahead. */
export function withClockOfTomorrow(recipes: string): void {
  edit(join(recipes, 'targets/debian-13.yaml'), (text) => text.replace('tools: [', 'tools: [faketime, '));
  const clock =
    'LD_PRELOAD=$(echo /usr/lib/*/faketime/libfaketimeMT.so.1)\nexport LD_PRELOAD FAKETIME=+1d\necho "the clock says $(date -u +%F)"\n';
  for (const name of ['build/build.sh', 'deb/package.sh'])
    edit(join(recipes, 'docker', name), (text) => text.replace('set -eu\n', `set -eu\n${clock}`));
}

/** A copy of turnbuild and its cache for a user with access only to the Docker engine. @param dir a folder that the user must be able to read */
export function anotherUser(home: string, dir: string): RunOptions {
  const env = {
    TZ: 'Asia/Kathmandu',
    LC_ALL: 'C',
    LANG: 'C',
    HOME: home,
    TURNBUILD_CACHE: join(home, 'cache'),
  };
  const program = join(home, 'turnbuild');
  const modules = execFileSync('npm', ['ls', '--omit=dev', '--all', '--parseable'], {
    cwd: ROOT,
    encoding: 'utf8',
  });
  const needed = modules
    .trim()
    .split('\n')
    .filter((path) => path.includes('/node_modules/'))
    .map((path) => relative(ROOT, path));
  for (const name of ['bin', 'lib', 'package.json', ...needed])
    cpSync(join(ROOT, name), join(program, name), { recursive: true });
  const cache =
    process.env.TURNBUILD_CACHE ?? join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'turnbuild');
  // Skip locks and unfinished base images of tests that run at the same time: the holder of a lock does not know the copy.
  const finished = (path: string) => !/^\.lock|\.tmp$/.test(basename(path));
  cpSync(cache, env.TURNBUILD_CACHE, { recursive: true, filter: finished });
  if (process.getuid?.() !== 0) {
    console.log('not running as root: the second build runs as the same user');
    return { cwd: home, env, program };
  }
  const user = { uid: 12345, gid: statSync('/var/run/docker.sock').gid };
  execFileSync('chmod', ['-R', 'a+rX', dir]);
  execFileSync('chown', ['-R', `${user.uid}:${user.gid}`, home]);
  return { cwd: home, env, program, user };
}

/** The same for the machine images in these recipes: the installed system, and the tools that make the disk. */
export function withMachineClockOfTomorrow(recipes: string): void {
  const machine = join(recipes, 'docker/machine');
  // Otherwise programs that copy files would copy times that are a day ahead.
  const preload = (library: string) =>
    `LD_PRELOAD=$(echo ${library}/usr/lib/*/faketime/libfaketimeMT.so.1)\nexport LD_PRELOAD FAKETIME=+1d NO_FAKE_STAT=1\necho "the clock says $(date -u +%F)"\n`;
  // Unpacked instead of installed, because the image must not contain it.
  const fetched =
    '(cd /tmp && apt-get download -q libfaketime && dpkg-deb -x libfaketime*.deb /tmp/faketime && rm libfaketime*.deb)\n';
  edit(join(machine, 'root.sh'), (text) =>
    text
      .replace('apt-get dist-upgrade', `${fetched}${preload('/tmp/faketime')}apt-get dist-upgrade`)
      .replace('apt-get clean', 'unset LD_PRELOAD FAKETIME\napt-get clean'),
  );
  edit(join(machine, 'tools.sh'), (text) =>
    text.replace('--no-install-recommends ', '--no-install-recommends faketime '),
  );
  // As if the builder had read every file of the root.
  edit(join(machine, 'assemble.sh'), (text) =>
    text.replace('cp -a /target /image\n', 'cp -a /target /image\nfind /image -exec touch -h -a {} +\n'),
  );
  for (const name of ['assemble.sh', 'disk.sh'])
    edit(join(machine, name), (text) => text.replace('set -eu\n', `set -eu\n${preload('')}`));
}
