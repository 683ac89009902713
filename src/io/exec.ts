import { constants as osConstants } from 'node:os';
import { TurnbuildError } from '../errors.ts';
import { type Command, formatCommand } from '../plan/command.ts';

export interface ExecOptions {
  /** Called with each line of standard output and standard error, as they come. */
  onLine?: (line: string) => void;
  /** Sent to the program's standard input. */
  input?: string | Uint8Array;
  /** Ends the program (SIGTERM, SIGKILL 5 s later) when aborted. */
  signal?: AbortSignal;
  /**
   * For a program that must not be cut off half-way: it runs in a session of its own, where the terminal's Ctrl-C does not
   * reach it; `signal` sends it one SIGINT, and it is waited for however long it takes.
   */
  finishes?: boolean;
  /** Milliseconds after which the program is ended. */
  timeout?: number;
}

export interface ExecResult {
  /** Exit code; 127 if the program isn't there, 128 + n if signal n ended it. */
  code: number;
  stdout: string;
  stderr: string;
}

export type Exec = (command: Command, options?: ExecOptions) => Promise<ExecResult>;

const KILL_DELAY_MS = 5_000;
/** Last lines of a program's output that go into an error message. */
const TAIL_LINES = 15;

/** Starts a process: the only place in turnbuild that does. A failing exit code is a result, not an exception. */
export async function runProcess(command: Command, options: ExecOptions = {}): Promise<ExecResult> {
  // A quarter of the time in which turnbuild says that a word is misspelt, if it were loaded then, too.
  const { execa } = await import('execa');
  const child = execa(command.file, [...command.args], {
    reject: false,
    stripFinalNewline: true,
    forceKillAfterDelay: KILL_DELAY_MS,
    maxBuffer: 64 * 1024 * 1024,
    ...(options.input === undefined ? { stdin: 'ignore' as const } : { input: options.input }),
    ...(command.cwd === undefined ? {} : { cwd: command.cwd }),
    ...(command.env === undefined ? {} : { env: { ...command.env } }),
    ...(options.finishes ? { detached: true } : {}),
    ...(options.signal === undefined || options.finishes ? {} : { cancelSignal: options.signal }),
    ...(options.timeout === undefined ? {} : { timeout: options.timeout }),
  });
  const interrupt = () => void child.kill('SIGINT');
  if (options.finishes) options.signal?.addEventListener('abort', interrupt);
  const { onLine } = options;
  if (onLine !== undefined) {
    // Each stream by itself: together, half a line of one could end up in the middle of the other.
    const read = async (from: 'stdout' | 'stderr') => {
      for await (const line of child.iterable({ from })) onLine(String(line));
    };
    await Promise.all([read('stdout'), read('stderr')]).catch(() => {});
  }
  const result = await child;
  options.signal?.removeEventListener('abort', interrupt);
  if (result.isCanceled) {
    throw new TurnbuildError('INTERRUPTED', `${command.file} was interrupted`);
  }
  const code = result.exitCode ?? (result.code === 'ENOENT' ? 127 : 128 + signalNumber(result.signal));
  return { code, stdout: String(result.stdout ?? ''), stderr: String(result.stderr ?? '') };
}

function signalNumber(name: string | undefined): number {
  return osConstants.signals[name as NodeJS.Signals] ?? osConstants.signals.SIGTERM;
}

/** An `Exec` that prints what it would write, and performs only what reads. The one branch that makes a dry run. */
export function dryRunExec(print: (line: string) => void, exec: Exec = runProcess): Exec {
  return async (command, options) => {
    if (command.effect === 'read') return exec(command, options);
    print(formatCommand(command));
    return { code: 0, stdout: '', stderr: '' };
  };
}

/** Runs a command that must succeed; its last lines are in the error if it doesn't. */
export async function mustRun(
  exec: Exec,
  command: Command,
  code: string,
  options: ExecOptions = {},
): Promise<ExecResult> {
  const tail: string[] = [];
  const result = await exec(command, options);
  if (result.code === 0) return result;
  tail.push(...`${result.stdout}\n${result.stderr}`.trim().split('\n').slice(-TAIL_LINES));
  const missing = result.code === 127 ? ` (is ${command.file} installed?)` : '';
  throw new TurnbuildError(
    code,
    `${command.file} ended with exit code ${result.code}${missing}\n${tail.join('\n')}`,
    {
      hint: `Failed command: ${formatCommand(command)}`,
    },
  );
}
