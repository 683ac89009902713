import { execFileSync } from 'node:child_process';
import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import type { LabSettings, ServerName, Site } from '../facts.ts';
import { type InstalledFiles, TARGET } from '../installed.ts';
import type { Namespaces } from '../network.ts';
import { writeContainedUnit } from '../systemd.ts';
import { DRAIN_SECONDS } from './drain.ts';

/** Folder for the units' configurations and network namespaces, outside the package's root. */
const FOLDER = '/run-units';

/** The package's unit, or a copy of it, on one of the servers' machines. */
export interface Unit {
  name: string;
  machine: ServerName;
}

/** The settings that determine how units run in the laboratory. */
export type UnitSettings = Pick<LabSettings, 'emulated' | 'site'>;

export function makeUnitFolder(): void {
  mkdirSync(FOLDER, { recursive: true, mode: 0o755 });
}

/** Writes a unit's configuration. Its drop-in mounts it over the installed one. */
export function configure({ machine }: Unit, configuration: string): void {
  writeFileSync(`${FOLDER}/${machine}.conf`, configuration, { mode: 0o644 });
}

/** Writes a drop-in with the changes that a unit needs in the laboratory. @param more additional lines */
export function writeDropIn({ name }: Unit, { emulated, site }: UnitSettings, more: readonly string[]): void {
  const lines = [
    '[Service]',
    `RootDirectory=${TARGET}`,
    'MountAPIVFS=yes',
    `ReadWritePaths=-+${site.stateDir}`,
    `Environment=DRAIN_SECONDS=${DRAIN_SECONDS}`,
    ...more,
  ];
  // QEMU generates code at run time, makes more system calls than turnserver, and is slow.
  if (emulated) lines.push('MemoryDenyWriteExecute=no', 'SystemCallFilter=', 'TimeoutStartSec=600');
  writeContainedUnit(`${name}.d/laboratory.conf`, `${lines.join('\n')}\n`);
}

/** A drop-in line that mounts the unit's configuration over the installed one, which stays unchanged. */
export function ownConfiguration({ machine }: Unit, site: Site): string {
  return `BindReadOnlyPaths=${FOLDER}/${machine}.conf:${site.configuration}`;
}

/**
 * A drop-in line with the unit's network namespace. systemd does not see the process that holds the namespace, so it needs a file. Call this
 * before systemd starts.
 */
export function ownNetwork({ machine }: Unit, namespaces: Namespaces): string {
  const file = `${FOLDER}/${machine}.net`;
  writeFileSync(file, '');
  execFileSync('mount', ['--bind', `/proc/${namespaces[machine]}/ns/net`, file]);
  return `NetworkNamespacePath=${file}`;
}

/** Copies turnserver's account from the package's root, because systemd looks up users in its own root. */
export function adoptAccounts({
  installed,
  settings,
}: {
  installed: InstalledFiles;
  settings: UnitSettings;
}): void {
  const { user } = settings.site;
  const line = new RegExp(`^${user}:.*$`, 'm');
  for (const file of ['/etc/passwd', '/etc/group']) {
    const account = line.exec(installed.read(file))?.[0];
    if (account !== undefined && !line.test(readFileSync(file, 'utf8'))) appendFileSync(file, `${account}\n`);
  }
}
