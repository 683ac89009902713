import { execFileSync } from 'node:child_process';
import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import type { LabSettings, ServerName, Site } from '../facts.ts';
import { type InstalledFiles, TARGET } from '../installed.ts';
import type { Namespaces } from '../network.ts';
import { writeContainedUnit } from '../systemd.ts';
import { DRAIN_SECONDS } from './drain.ts';

/** Configurations and network namespaces of units, outside of every root. */
const FOLDER = '/run-units';

/** A copy of the package's unit, on one of the servers' machines. */
export interface Unit {
  name: string;
  machine: ServerName;
}

/** What decides how a unit is run here. */
export type UnitSettings = Pick<LabSettings, 'emulated' | 'site'>;

export function makeUnitFolder(): void {
  mkdirSync(FOLDER, { recursive: true, mode: 0o755 });
}

/** Writes a unit's configuration, which its drop-in puts in the place of the installed one. */
export function configure({ machine }: Unit, configuration: string): void {
  writeFileSync(`${FOLDER}/${machine}.conf`, configuration, { mode: 0o644 });
}

/** Changes what has to be changed of a unit in the laboratory. @param more further lines */
export function writeDropIn({ name }: Unit, { emulated, site }: UnitSettings, more: readonly string[]): void {
  const lines = [
    '[Service]',
    `RootDirectory=${TARGET}`,
    'MountAPIVFS=yes',
    `ReadWritePaths=-+${site.stateDir}`,
    `Environment=DRAIN_SECONDS=${DRAIN_SECONDS}`,
    ...more,
  ];
  // QEMU writes the code that it runs, and asks the kernel for more than turnserver does; and it takes its time.
  if (emulated) lines.push('MemoryDenyWriteExecute=no', 'SystemCallFilter=', 'TimeoutStartSec=600');
  writeContainedUnit(`${name}.d/laboratory.conf`, `${lines.join('\n')}\n`);
}

/** The installed configuration stays as it is. */
export function ownConfiguration({ machine }: Unit, site: Site): string {
  return `BindReadOnlyPaths=${FOLDER}/${machine}.conf:${site.configuration}`;
}

/** systemd knows no process but its own, so it finds a namespace by a file, which has to be there before it starts. */
export function ownNetwork({ machine }: Unit, namespaces: Namespaces): string {
  const file = `${FOLDER}/${machine}.net`;
  writeFileSync(file, '');
  execFileSync('mount', ['--bind', `/proc/${namespaces[machine]}/ns/net`, file]);
  return `NetworkNamespacePath=${file}`;
}

/** systemd looks up users in its own root: the target's accounts of turnserver have to be there as well. */
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
