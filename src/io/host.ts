import { constants } from 'node:fs';
import { access, readFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
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
  const inspect =
    engine.code === 0 || builder !== undefined
      ? await exec({
          file: 'docker',
          args: ['buildx', 'inspect', ...(builder === undefined ? [] : [builder])],
          effect: 'read',
        })
      : undefined;
  return {
    os: await operatingSystem(),
    root: process.getuid?.() === 0,
    systemd: await exists('/run/systemd/system'),
    mirror,
    docker: {
      client: programs.has('docker'),
      buildx: buildx.code === 0,
      engine: engine.code === 0,
      error: engine.stderr.trim(),
      daemon: programs.has('dockerd'),
      configured: await exists('/etc/docker/daemon.json'),
    },
    builderPlatforms: platforms(inspect?.stdout ?? ''),
    programs,
    binfmt: await exists('/proc/sys/fs/binfmt_misc/status'),
    archiveKeyring: await exists(KEYRING),
  };
}

function platforms(text: string): string[] {
  return [...text.matchAll(/^\s*Platforms:\s*(.+)$/gm)].flatMap((match) =>
    (match[1] ?? '').split(',').map((each) => each.trim()),
  );
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
