import { execFileSync, spawn, spawnSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readAptMirrors } from '../../src/io/apt-mirror.ts';
import { rootLayer, writeOciLayout } from '../../src/io/oci-layout.ts';
import { cacheFolder } from '../../src/run/session.ts';
import { layoutOf } from '../../src/stages/shared/bases.ts';
import type { Run } from './turnbuild.ts';

const PROJECT = fileURLToPath(new URL('../../', import.meta.url)).replace(/\/$/, '');

/** A bare Debian in a folder, in which programs run under chroot. */
export interface DebianRoot {
  dir: string;
  /** Runs a program in it, with this project in /turnbuild, this Node, and the engine's socket /engine.sock. */
  run(args: readonly string[]): Promise<Run>;
  turnbuild(...args: string[]): Promise<Run>;
  /** `dpkg-query`'s list: name, version and state of each package. */
  packages(): Promise<string[]>;
  /** Adds or replaces a file; `undefined` removes it. */
  file(path: string, content: string | Buffer | undefined, mode?: number): void;
  remove(): void;
}

/** The reason why no root can be created here; undefined if one can. */
export function chrootObstacle(): string | undefined {
  if (process.getuid?.() !== 0) return 'a Debian root under chroot takes root';
  if (spawnSync('mmdebstrap', ['--version']).status !== 0) return 'mmdebstrap is not installed';
  return undefined;
}

/** The reason why no root with this machine's engine can be created here; undefined if one can. */
export function rootObstacle(): string | undefined {
  const obstacle = chrootObstacle();
  if (obstacle !== undefined) return obstacle;
  if (!existsSync('/var/run/docker.sock')) return 'no Docker engine listens on /var/run/docker.sock';
  return undefined;
}

/**
 * A minimal root of a suite, with the archive's newest packages. It starts no services. `setsid`, which would start the engine, provides
 * this machine's engine instead.
 */
export async function debianRoot(suite: string): Promise<DebianRoot> {
  const dir = mkdtempSync(join(tmpdir(), `turnbuild-root-${suite}-`));
  chmodSync(dir, 0o755);
  const cached = await cachedRoot(suite);
  if (cached !== undefined) execFileSync('tar', ['-xf', cached, '-C', dir]);
  else
    execFileSync('mmdebstrap', ['--quiet', '--variant=minbase', suite, dir, ...(await archiveLines(suite))]);
  const file: DebianRoot['file'] = (path, content, mode = 0o644) => {
    const full = join(dir, path);
    if (content === undefined) return rmSync(full, { force: true });
    mkdirSync(join(full, '..'), { recursive: true });
    writeFileSync(full, content);
    chmodSync(full, mode);
  };
  copyFileSync('/etc/resolv.conf', join(dir, 'etc/resolv.conf'));
  file('usr/sbin/policy-rc.d', '#!/bin/sh\nexit 101\n', 0o755);
  file(
    'usr/local/bin/setsid',
    '#!/bin/sh\necho "$*" >>/engine-started\nln -sf /engine.sock /var/run/docker.sock\n',
    0o755,
  );
  const run = (args: readonly string[]) => enter(dir, args);
  if (cached !== undefined) {
    // Upgrade an old root: its packages may conflict with new ones.
    const { code, stderr } = await run(['sh', '-c', UPGRADE]);
    if (code !== 0) throw new Error(`the cached root of ${suite} could not be upgraded: ${stderr}`);
  }
  return {
    dir,
    run,
    file,
    turnbuild: (...args) => run(['node', '/turnbuild/bin/turnbuild.js', ...args]),
    async packages() {
      // biome-ignore lint/suspicious/noTemplateCurlyInString: a format of dpkg's
      const format = '${Package}:${Architecture} ${Version} ${db:Status-Abbrev}\n';
      return (await run(['dpkg-query', '-W', '-f', format])).stdout.trim().split('\n');
    },
    remove: () => rmSync(dir, { recursive: true, force: true }),
  };
}

const UPGRADE = `apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get dist-upgrade -qqy >/dev/null
apt-get clean && rm -rf /var/lib/apt/lists/*`;

/** Lines of sources.list(5) for a suite: the archive that this machine's apt uses. */
export async function archiveLines(suite: string): Promise<string[]> {
  const { debian, security } = await readAptMirrors();
  if (debian === undefined) throw new Error('cannot bootstrap a root: /etc/apt lists no Debian archive');
  return [
    `deb ${debian} ${suite} main`,
    ...(security === undefined ? [] : [`deb ${security} ${suite}-security main`]),
  ];
}

/** The tar of a root that turnbuild bootstrapped before. */
async function cachedRoot(suite: string): Promise<string | undefined> {
  const root = cachedLayout(suite);
  return root === undefined ? undefined : rootLayer(root.layout, root.digest);
}

/**
 * A root of this machine's architecture as a named context of buildx: one that turnbuild bootstrapped before, or a new one.
 * @param dir a folder for a new one
 */
export async function rootContext(suite: string, dir: string): Promise<string> {
  const root = cachedLayout(suite);
  if (root !== undefined) return `oci-layout://${root.layout}@${root.digest}`;
  const [layout, tar] = [join(dir, suite), join(dir, `${suite}.tar`)];
  execFileSync('mmdebstrap', ['--quiet', '--variant=minbase', suite, tar, ...(await archiveLines(suite))]);
  const digest = await writeOciLayout(
    layout,
    tar,
    process.arch === 'arm64' ? 'arm64' : 'amd64',
    'LANG=C.UTF-8',
  );
  return `oci-layout://${layout}@${digest}`;
}

function cachedLayout(suite: string): { layout: string; digest: string } | undefined {
  const bases = join(cacheFolder(), 'bases');
  const arch = process.arch === 'arm64' ? 'arm64' : 'x86_64';
  const names = existsSync(bases) ? readdirSync(bases) : [];
  const dirs = names.filter((name) => name.startsWith(`${suite}-${arch}-`)).map((name) => join(bases, name));
  const dir = dirs.find((each) => existsSync(join(each, 'digest')));
  if (dir === undefined) return undefined;
  const digest = readFileSync(join(dir, 'digest'), 'utf8').trim();
  return { layout: layoutOf(dir, digest), digest };
}

// All mounts are in a separate namespace, which ends with the program. The kernel's table of emulators belongs to the whole
// machine, so a folder replaces it.
const ENTER = `set -e
root=$1 project=$2 node=$3; shift 3
mount -t proc proc "$root/proc"
mount -t tmpfs binfmt "$root/proc/sys/fs/binfmt_misc"
: >"$root/proc/sys/fs/binfmt_misc/register"
mount --rbind /dev "$root/dev"
mkdir -p "$root/turnbuild"
for file in usr/local/bin/node engine.sock; do [ -e "$root/$file" ] || : >"$root/$file"; done
mount --bind "$node" "$root/usr/local/bin/node"
mount --bind "$project" "$root/turnbuild"
[ ! -S /var/run/docker.sock ] || mount --bind /var/run/docker.sock "$root/engine.sock"
exec chroot "$root" env -i HOME=/root LANG=C.UTF-8 PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "$@"
`;

/** Runs a program in a root. Asynchronous, because this process may serve the archive that apt uses. */
export function enter(dir: string, args: readonly string[]): Promise<Run> {
  const words = [
    '--mount',
    '--propagation',
    'private',
    'sh',
    '-c',
    ENTER,
    'enter',
    dir,
    PROJECT,
    process.execPath,
  ];
  return new Promise((resolve, reject) => {
    const child = spawn('unshare', [...words, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
    const output = { stdout: '', stderr: '' };
    for (const name of ['stdout', 'stderr'] as const)
      child[name].on('data', (chunk: Buffer) => {
        output[name] += chunk.toString();
      });
    child.on('error', reject);
    child.on('close', (code) => resolve({ code: code ?? 1, ...output }));
  });
}
