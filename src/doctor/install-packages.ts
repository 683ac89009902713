import { TurnbuildError } from '../errors.ts';
import type { Exec } from '../io/exec.ts';
import { type Command, formatCommand } from '../plan/command.ts';
import type { Output } from '../ui/output.ts';
import { auditPackages, installedPackages, withAptFolder, writeNewFiles } from './apt.ts';
import { aptError } from './apt-errors.ts';
import {
  type AptSources,
  aptFiles,
  blockedError,
  downloadsCommand,
  installCommand,
  installWays,
  type JudgedWay,
  judgeWay,
  simulateCommand,
  updateCommand,
  type Way,
} from './apt-install.ts';
import { describeChanges, parseDownloadSize } from './apt-simulation.ts';

export interface Installation {
  packages: readonly string[];
  /** Files that the new packages read during installation; existing ones are kept. */
  files: Readonly<Record<string, string>>;
  sources: AptSources;
}

export interface InstallOptions {
  dryRun: boolean;
  verbose: boolean;
  signal: AbortSignal;
}

/**
 * Installs missing packages without changing installed ones: simulates each way, and uses the first one that changes no
 * installed package. A dry run omits only the installation.
 * @throws APT_CONFLICT if there is no such way, and other APT_… codes; nothing was changed unless the message says so
 */
export async function installPackages(
  installation: Installation,
  options: InstallOptions,
  exec: Exec,
  output: Pick<Output, 'line'>,
): Promise<void> {
  const installed = await installedPackages(installation.packages, exec);
  const packages = installation.packages.filter((name) => !installed.has(name));
  if (packages.length === 0) return;
  await withAptFolder(aptFiles(installation.sources), async () => {
    const way = await findWay(packages, installation.sources, exec, output);
    const command = installCommand(way);
    for (const file of Object.keys(installation.files)) output.line(`  write ${file}`);
    output.line(`  ${formatCommand(command)}`);
    if (options.dryRun) return;
    const undo = await writeNewFiles(installation.files);
    try {
      await runApt(command, options, exec, output);
    } catch (error) {
      const added = await installedPackages(packages, uninterruptible(exec));
      if (added.size === 0) await undo();
      throw error;
    }
  });
}

/** The first way that changes no installed package; prints what it would install. */
async function findWay(
  packages: readonly string[],
  sources: AptSources,
  exec: Exec,
  output: Pick<Output, 'line'>,
): Promise<Way> {
  // Ignores failing sources: the others may have the packages.
  const update = await exec(updateCommand());
  const judged: JudgedWay[] = [];
  for (const way of installWays(packages, sources)) {
    const one = judgeWay(way, await exec(simulateCommand(way)));
    judged.push(one);
    if (one.reasons.length > 0) continue;
    const downloads = await exec(downloadsCommand(way));
    for (const line of describeChanges(one.changes, parseDownloadSize(downloads.stdout))) output.line(line);
    return way;
  }
  throw blockedError(judged, `${update.stdout}\n${update.stderr}`);
}

/** Runs apt-get to completion. Ctrl-C stops a download, but waits for dpkg. */
async function runApt(
  command: Command,
  { signal, verbose }: InstallOptions,
  exec: Exec,
  output: Pick<Output, 'line'>,
): Promise<void> {
  if (signal.aborted) throw interrupted('Nothing was changed.');
  const wait = () =>
    output.line('Interrupted: waiting for apt-get to finish, so that no package is left half-installed');
  signal.addEventListener('abort', wait);
  const result = await exec(command, {
    finishes: true,
    signal,
    ...(verbose ? { onLine: output.line } : {}),
  });
  signal.removeEventListener('abort', wait);
  if (result.code === 0 && !signal.aborted) return;
  const audit = await auditPackages(uninterruptible(exec));
  const state =
    audit === ''
      ? ''
      : `Some packages are not fully installed; finish them with \`dpkg --configure -a\`:\n${audit}`;
  if (signal.aborted) throw interrupted(state === '' ? 'No package is left half-installed.' : state);
  throw aptError(`${result.stdout}\n${result.stderr}`, formatCommand(command), state);
}

/** For commands that must run even after an interruption. */
function uninterruptible(exec: Exec): Exec {
  return (command, more) => exec(command, { ...more, signal: new AbortController().signal });
}

function interrupted(state: string): TurnbuildError {
  return new TurnbuildError('INTERRUPTED', `apt-get was interrupted. ${state}`, {
    hint: 'Run the same command again to continue.',
  });
}
