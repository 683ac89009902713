import { constants } from 'node:fs';
import { access, readdir, readFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { inspectBuilderCommand, parseBuilder } from '../plan/buildx.ts';
import type { HostFacts } from '../plan/doctor.ts';
import type { Exec } from './exec.ts';
import { exists } from './files.ts';

const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg';

/** Looks at this machine. Changes nothing. */
export async function gatherHostFacts(
  exec: Exec,
  mirror: string | undefined,
  builder?: string,
): Promise<HostFacts> {
  const programs = new Set<string>();
  for (const name of ['docker', 'dockerd', 'mmdebstrap', 'arch-test', 'gpgv', 'update-binfmts']) {
    if (await onPath(name)) programs.add(name);
  }
  const engine = await exec({
    file: 'docker',
    args: ['version', '--format', '{{.Server.Version}}'],
    effect: 'read',
  });
  const buildx = await exec({ file: 'docker', args: ['buildx', 'version'], effect: 'read' });
  const inspect = await exec(inspectBuilderCommand(builder, false));
  return {
    os: await operatingSystem(),
    root: process.getuid?.() === 0,
    systemd: await exists('/run/systemd/system'),
    mirror,
    newDocker: await aptHasNewDocker(),
    docker: {
      client: programs.has('docker'),
      buildx: buildx.code === 0,
      engine: engine.code === 0 ? engine.stdout.trim() : undefined,
      daemon: programs.has('dockerd'),
      configured: await exists('/etc/docker/daemon.json'),
    },
    builder: inspect.code === 0 ? parseBuilder(inspect.stdout) : undefined,
    runs: await runnable(exec),
    programs,
    binfmt: await exists('/proc/sys/fs/binfmt_misc/status'),
    archiveKeyring: await exists(KEYRING),
  };
}

/** arch-test runs a small program of each architecture, and prints the names of those that ran. */
async function runnable(exec: Exec): Promise<Set<string>> {
  const { stdout } = await exec({ file: 'arch-test', args: [], effect: 'read' });
  return new Set(stdout.split('\n').map((line) => line.trim()));
}

/** Debian 12's Docker is too old. apt's suites say more than os-release, which a single newer package changes. */
async function aptHasNewDocker(root = '/etc/apt'): Promise<boolean> {
  const parts = await readdir(join(root, 'sources.list.d')).catch(() => []);
  // The source that `doctor --fix` adds itself is pinned low and doesn't make this a Debian 13.
  const names = parts.filter((name) => /\.(list|sources)$/.test(name) && !name.startsWith('turnbuild-'));
  const paths = [join(root, 'sources.list'), ...names.map((name) => join(root, 'sources.list.d', name))];
  const texts = await Promise.all(paths.map((file) => readFile(file, 'utf8').catch(() => '')));
  return texts
    .join('\n')
    .split('\n')
    .some((line) => /^(deb\s|Suites:)/.test(line) && /\s(trixie|forky|sid|testing|unstable)\b/.test(line));
}

async function onPath(program: string): Promise<boolean> {
  // /usr/sbin holds dockerd and update-binfmts, and isn't on every user's PATH.
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/sbin'];
  for (const folder of folders) {
    const found = await access(join(folder, program), constants.X_OK).then(
      () => true,
      () => false,
    );
    if (found) return true;
  }
  return false;
}

async function operatingSystem(): Promise<{ id: string; version: string }> {
  if (process.platform !== 'linux') return { id: process.platform, version: '' };
  const text = await readFile('/etc/os-release', 'utf8').catch(() => '');
  const value = (key: string) => new RegExp(`^${key}="?([^"\n]*)"?$`, 'm').exec(text)?.[1] ?? '';
  return { id: value('ID'), version: value('VERSION_ID') };
}
