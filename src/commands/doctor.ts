import { EXIT, TurnbuildError } from '../errors.ts';
import { readAptMirrors } from '../io/apt-mirror.ts';
import { dryRunExec, type Exec, mustRun, runProcess } from '../io/exec.ts';
import { writeText } from '../io/files.ts';
import { gatherHostFacts } from '../io/host.ts';
import { type Command, formatCommand } from '../plan/command.ts';
import { diagnose, type Finding, type FixStep } from '../plan/doctor.ts';
import type { Output } from './output.ts';

export interface DoctorOptions {
  fix: boolean;
  dryRun: boolean;
  json: boolean;
  verbose: boolean;
  builder?: string;
  /** Aborted by Ctrl-C: the program that runs is ended, and no other is started. */
  signal: AbortSignal;
}

/** How long a freshly started engine may take to answer. */
const ENGINE_START_MS = 60_000;

/** Says what turnbuild needs and what of it is here; with `fix` mends what it can. Exit code 1 if something is missing. */
export async function doctor(options: DoctorOptions, output: Output): Promise<number> {
  let findings = await examine(options);
  if (options.fix && findings.some((finding) => !finding.ok)) {
    findings = await mend(findings, options, output);
  }
  const listed = options.fix && options.dryRun && findings.some((finding) => !finding.ok);
  if (options.json)
    output.data(findings.map(({ fix, ...rest }) => ({ ...rest, fix: fix.map(describeStep) })));
  // A dry run has just printed what it would mend.
  else if (!listed) for (const line of findings.flatMap(describe)) output.line(line);
  return findings.every((finding) => finding.ok) || options.dryRun ? EXIT.ok : EXIT.failed;
}

/** Processes that Ctrl-C ends. */
function interruptible(signal: AbortSignal): Exec {
  return (command, more) => runProcess(command, { signal, ...more });
}

async function examine({ builder, signal }: DoctorOptions): Promise<Finding[]> {
  const { debian } = await readAptMirrors();
  return diagnose(await gatherHostFacts(interruptible(signal), debian, builder));
}

/** Mends one finding at a time and looks again after each: one fix often mends several. */
async function mend(findings: Finding[], options: DoctorOptions, output: Output): Promise<Finding[]> {
  const exec = options.dryRun ? dryRunExec(output.line) : interruptible(options.signal);
  let now = findings;
  for (const { id } of findings) {
    const finding = now.find((each) => each.id === id);
    if (finding === undefined || finding.ok || finding.fix.length === 0) continue;
    output.line(`${finding.title}: ${finding.why}`);
    for (const step of finding.fix) await perform(step, exec, options, output);
    if (options.dryRun) continue;
    if (id === 'docker-engine') await waitForEngine(exec);
    now = await examine(options);
  }
  return now;
}

/** One step of a fix, and its other way if the first one fails. Exported for its test. */
export async function perform(
  step: FixStep,
  exec: Exec,
  options: Pick<DoctorOptions, 'dryRun' | 'verbose'>,
  output: Pick<Output, 'line'>,
): Promise<void> {
  if ('write' in step) {
    output.line(`  write ${step.write}`);
    if (!options.dryRun) await writeText(step.write, step.content);
    return;
  }
  const { otherwise, ...first } = step;
  const run = async (command: Command) => {
    if (!options.dryRun) output.line(`  ${formatCommand(command)}`);
    await mustRun(exec, command, 'DOCTOR_FIX_FAILED', options.verbose ? { onLine: output.line } : {});
  };
  if (otherwise === undefined) return run(first);
  await run(first).catch((error: unknown) => {
    if (!(error instanceof TurnbuildError) || error.code !== 'DOCTOR_FIX_FAILED') throw error;
    output.line(`  not possible here (${lastLine(error.message)}); instead:`);
    return run(otherwise);
  });
}

/** The last line of an error's text, which is the reason that apt gives. */
function lastLine(text: string): string {
  return text.trim().split('\n').at(-1) ?? '';
}

async function waitForEngine(exec: Exec): Promise<void> {
  const end = Date.now() + ENGINE_START_MS;
  while (Date.now() < end) {
    const answer = await exec({
      file: 'docker',
      args: ['version', '--format', '{{.Server.Version}}'],
      effect: 'read',
    });
    if (answer.code === 0) return;
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
  throw new TurnbuildError('DOCKER_UNAVAILABLE', 'The Docker engine was started, but does not answer', {
    hint: 'Look at /var/log/turnbuild-dockerd.log, or `journalctl -u docker` where systemd runs.',
  });
}

function describe(finding: Finding): string[] {
  const line = `${finding.ok ? 'ok      ' : 'MISSING '} ${finding.title}: ${finding.why}`;
  return finding.ok ? [line] : [line, `         mend it: ${finding.advice}`];
}

function describeStep(step: FixStep): string {
  return 'write' in step ? `write ${step.write}` : formatCommand(step);
}
