import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Exec } from '../io/exec.ts';
import { exists } from '../io/files.ts';
import { programPath } from '../io/program-path.ts';
import { engineVersionCommand, inspectBuilderCommand, parseBuilder } from '../plan/builder.ts';
import { imageDigestCommand } from '../plan/official-image.ts';
import { DEBIAN_KEYRING } from '../recipe/schema.ts';
import { installedPackages } from './apt.ts';
import { PUBLISH_PROGRAMS } from './publish-findings.ts';
import type { HostFacts } from './requirements.ts';

/**
 * Inspects this machine without changing anything.
 * @param packages Debian packages to look for
 */
export async function gatherHostFacts(
  exec: Exec,
  packages: readonly string[],
  builder?: string,
): Promise<HostFacts> {
  const programs = new Set<string>();
  for (const name of ['docker', 'dockerd', 'mmdebstrap', 'arch-test', 'gpgv', ...PUBLISH_PROGRAMS]) {
    if ((await programPath(name)) !== undefined) programs.add(name);
  }
  const engine = await exec(engineVersionCommand());
  const buildx = await exec({ file: 'docker', args: ['buildx', 'version'], effect: 'read' });
  const inspect = await exec(inspectBuilderCommand(builder, false));
  return {
    os: await operatingSystem(),
    root: process.getuid?.() === 0,
    systemd: await exists('/run/systemd/system'),
    arch: process.arch === 'x64' ? 'amd64' : process.arch,
    docker: {
      client: programs.has('docker'),
      buildx: buildx.code === 0,
      engine: engine.code === 0 ? engine.stdout.trim() : undefined,
      ...(engine.code === 0 ? {} : { failure: engine.stderr.trim() }),
      daemon: programs.has('dockerd'),
      configured: await exists('/etc/docker/daemon.json'),
    },
    builder: inspect.code === 0 ? parseBuilder(inspect.stdout) : undefined,
    runs: await runnable(exec),
    emulates: await emulated(),
    programs,
    packages: packages.length === 0 ? new Set() : await installedPackages(packages, exec),
    archiveKeyring: await exists(DEBIAN_KEYRING),
    registry: await answersOf(exec),
  };
}

/** One of the images that the built-in recipes name. */
const OFFICIAL_IMAGE = 'debian:trixie-slim';

async function answersOf(exec: Exec): Promise<boolean> {
  const { code } = await exec(imageDigestCommand(OFFICIAL_IMAGE), { timeout: 15_000 });
  return code === 0;
}

/** Architectures whose programs run here: arch-test runs a small program of each, and prints the names of those that ran. */
async function runnable(exec: Exec): Promise<Set<string>> {
  const { stdout } = await exec({ file: 'arch-test', args: [], effect: 'read' });
  return new Set(stdout.split('\n').map((line) => line.trim()));
}

/**
 * Architectures for which binfmt_misc has a QEMU that containers can use: with the flag F the kernel keeps the interpreter open, so it
 * need not be in the container.
 */
async function emulated(folder = '/proc/sys/fs/binfmt_misc'): Promise<Set<string>> {
  const found = new Set<string>();
  for (const [name, arch] of [['qemu-aarch64', 'arm64'] as const, ['qemu-x86_64', 'amd64'] as const]) {
    const text = await readFile(join(folder, name), 'utf8').catch(() => '');
    if (/^enabled$/m.test(text) && /^flags: \w*F/m.test(text)) found.add(arch);
  }
  return found;
}

async function operatingSystem(): Promise<HostFacts['os']> {
  if (process.platform !== 'linux') return { id: process.platform, version: '', like: [] };
  const text = await readFile('/etc/os-release', 'utf8').catch(() => '');
  const value = (key: string) => new RegExp(`^${key}="?([^"\n]*)"?$`, 'm').exec(text)?.[1] ?? '';
  return { id: value('ID'), version: value('VERSION_ID'), like: value('ID_LIKE').split(' ') };
}
