import { type Finding, isDue } from '../doctor/finding.ts';
import { gatherHostFacts } from '../doctor/host.ts';
import { installPackages } from '../doctor/install-packages.ts';
import { diagnose, type Purpose } from '../doctor/requirements.ts';
import { EXIT, TurnbuildError, usageError } from '../errors.ts';
import { readAptMirrors, readAptSuites } from '../io/apt-mirror.ts';
import { type Exec, mustRun, runProcess } from '../io/exec.ts';
import { engineVersionCommand } from '../plan/builder.ts';
import { type Command, formatCommand } from '../plan/command.ts';
import type { Output } from '../ui/output.ts';

/** Options as commander passes them. */
interface GivenOptions {
  fix?: boolean;
  dryRun?: boolean;
  json?: boolean;
  verbose?: boolean;
  builder?: string;
  packages?: string;
  for?: Purpose;
}

interface DoctorOptions {
  fix: boolean;
  dryRun: boolean;
  json: boolean;
  verbose: boolean;
  builder?: string;
  /** Further Debian packages to require. */
  packages: readonly string[];
  purpose: Purpose | undefined;
  /** Aborted by Ctrl-C, which ends the running program and starts no other. */
  signal: AbortSignal;
}

/** Timeout in milliseconds for the first answer of an engine that has just been started. */
const ENGINE_START_MS = 60_000;

/** Lists turnbuild's prerequisites; with `fix`, installs or starts the missing ones. Exit code 1 if any is missing. */
export async function doctor(
  _: undefined,
  given: GivenOptions,
  output: Output,
  signal: AbortSignal,
): Promise<number> {
  const options = optionsOf(given, signal);
  // A dry run exits with 0, even if prerequisites are missing.
  if (options.dryRun && !options.fix)
    throw usageError(
      'OPTION_INVALID',
      '--dry-run requires --fix',
      '`turnbuild doctor` without --fix changes nothing.',
    );
  let findings = await examine(options);
  const fixes = options.fix && findings.some(isDue);
  if (fixes) {
    await fix(findings, options, output);
    if (!options.dryRun) findings = await examine(options);
  }
  if (options.json)
    output.data(
      findings.map(({ files, fix, ...rest }) => ({
        ...rest,
        files: Object.keys(files),
        fix: fix.map(formatCommand),
      })),
    );
  // A dry run has already printed the missing prerequisites.
  else if (!(fixes && options.dryRun)) for (const line of findings.flatMap(describe)) output.line(line);
  return options.dryRun || !findings.some(isDue) ? EXIT.ok : EXIT.failed;
}

function optionsOf(
  { fix, dryRun, json, verbose, builder, packages, for: purpose }: GivenOptions,
  signal: AbortSignal,
): DoctorOptions {
  return {
    fix: fix === true,
    dryRun: dryRun === true,
    json: json === true,
    verbose: verbose === true,
    packages: packageNames(packages ?? ''),
    purpose,
    signal,
    ...(builder === undefined ? {} : { builder }),
  };
}

/** Accepts only plain names: apt would take others as options, removals (`NAME-`) or suites (`NAME/SUITE`). */
function packageNames(text: string): string[] {
  const names = text.split(',').filter((name) => name !== '');
  const wrong = names.find((name) => !/^[a-z0-9][a-z0-9+.-]*[a-z0-9+.]$/.test(name));
  if (wrong === undefined) return names;
  throw usageError(
    'PACKAGE_NAME_INVALID',
    `Invalid package name "${wrong}" in --packages`,
    'Expected comma-separated Debian package names, e.g. --packages gcc,make',
  );
}

/** Runs processes that Ctrl-C ends. */
function interruptible(signal: AbortSignal): Exec {
  return (command, more) => runProcess(command, { signal, ...more });
}

async function examine({ builder, packages, purpose, signal }: DoctorOptions): Promise<Finding[]> {
  return diagnose(await gatherHostFacts(interruptible(signal), packages, builder), packages, purpose);
}

/** Installs all packages in one go, then runs the commands, in the order of the findings. A dry run prints the same. */
async function fix(findings: readonly Finding[], options: DoctorOptions, output: Output): Promise<void> {
  const exec = interruptible(options.signal);
  const missing = findings.filter(isDue);
  // Only a running engine can tell which platforms its builder supports.
  const engineStarts = missing.some(({ id, fix: start }) => id === 'docker-engine' && start.length > 0);
  for (const finding of missing) {
    output.line(`missing: ${finding.title} (${finding.why})`);
    if (finding.packages.length + finding.fix.length > 0) continue;
    const isPlatform = finding.id.startsWith('platform-');
    output.line(
      isPlatform && engineStarts
        ? '  checked again once the engine is running'
        : `  cannot be fixed automatically: ${finding.advice}`,
    );
  }
  const installation = {
    packages: [...new Set(missing.flatMap(({ packages }) => packages))],
    files: Object.assign({}, ...missing.map(({ files }) => files)) as Record<string, string>,
    sources: { mirror: (await readAptMirrors()).debian, suites: await readAptSuites() },
  };
  await installPackages(installation, options, exec, output);
  const done = new Set<string>();
  for (const finding of missing) {
    for (const command of finding.fix) {
      const line = formatCommand(command);
      if (done.has(line)) continue;
      done.add(line);
      output.line(`  ${line}`);
      if (!options.dryRun) await run(command, options, exec, output);
    }
    if (finding.id === 'docker-engine' && finding.fix.length > 0 && !options.dryRun)
      await waitForEngine(exec);
  }
}

async function run(command: Command, options: DoctorOptions, exec: Exec, output: Output): Promise<void> {
  await mustRun(exec, command, 'DOCTOR_FIX_FAILED', options.verbose ? { onLine: output.line } : {});
}

async function waitForEngine(exec: Exec): Promise<void> {
  const end = Date.now() + ENGINE_START_MS;
  while (Date.now() < end) {
    const answer = await exec(engineVersionCommand());
    if (answer.code === 0) return;
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
  throw new TurnbuildError('DOCKER_UNAVAILABLE', 'The Docker engine was started, but does not respond', {
    hint: 'Check /var/log/turnbuild-dockerd.log, or `journalctl -u docker` under systemd.',
  });
}

function describe(finding: Finding): string[] {
  const state = finding.ok ? 'ok' : isDue(finding) ? 'MISSING' : 'optional';
  const line = `${state.padEnd(8)} ${finding.title} (${finding.why})`;
  if (finding.ok) return [line];
  return [line, `         ${isDue(finding) ? 'fix: ' : ''}${finding.advice}`];
}
