import { constants as osConstants } from 'node:os';
import { diskFullError, TurnbuildError } from '../errors.ts';
import { type Command, formatCommand } from '../plan/command.ts';

export interface ExecOptions {
  /** Called with each line of standard output and standard error as it arrives. */
  onLine?: (line: string) => void;
  /** Sent to the program's standard input. */
  input?: string | Uint8Array;
  /** When aborted, ends the program with SIGTERM, and SIGKILL 5 s later. */
  signal?: AbortSignal;
  /**
   * For a program that must not be killed midway: it runs in its own session, where the terminal's Ctrl-C does not reach it. When
   * `signal` aborts, it receives one SIGINT, and turnbuild waits until it exits.
   */
  finishes?: boolean;
  /** Milliseconds after which the program is terminated. */
  timeout?: number;
}

export interface ExecResult {
  /** Exit code; 127 if the program was not found, 128 + n if signal n ended it. */
  code: number;
  stdout: string;
  stderr: string;
}

export type Exec = (command: Command, options?: ExecOptions) => Promise<ExecResult>;

/**
 * Environment variables with secrets: the signing key and its passphrase, what gives a job its identity, and the credentials for GitHub and
 * buckets. No program inherits them, except docker some.
 */
export const SECRET_VARIABLES = [
  ...(['TURNBUILD_SIGNING_KEY', 'TURNBUILD_SIGNING_PASSPHRASE'] as const),
  ...(['ACTIONS_ID_TOKEN_REQUEST_TOKEN', 'SIGSTORE_ID_TOKEN'] as const),
  ...(['GITHUB_TOKEN', 'GH_TOKEN', 'AWS_SECRET_ACCESS_KEY', 'AWS_SESSION_TOKEN'] as const),
] as const;
/** buildx reads AWS credentials for `--cache-to type=s3` (Docker documentation, "Amazon S3 cache"), and credential helpers of registries use all. */
const FOR_DOCKER: readonly string[] = ['GITHUB_TOKEN', 'AWS_SECRET_ACCESS_KEY', 'AWS_SESSION_TOKEN'];

/** Node passes no variable whose value is undefined. */
function hiddenFrom(program: string): Record<string, undefined> {
  const names = SECRET_VARIABLES.filter((name) => program !== 'docker' || !FOR_DOCKER.includes(name));
  return Object.fromEntries(names.map((name) => [name, undefined]));
}

const KILL_DELAY_MS = 5_000;
/** Maximum lines of a program's output in an error message. */
const TAIL_LINES = 15;

/** Runs a process. All processes of turnbuild start here. A failing exit code is a result, not an exception. */
export async function runProcess(command: Command, options: ExecOptions = {}): Promise<ExecResult> {
  // Loaded on demand: loading it takes a quarter of the time that turnbuild needs to report a misspelt word.
  const { execa } = await import('execa');
  const child = execa(command.file, [...command.args], {
    reject: false,
    stripFinalNewline: true,
    forceKillAfterDelay: KILL_DELAY_MS,
    maxBuffer: 64 * 1024 * 1024,
    ...(options.input === undefined ? { stdin: 'ignore' as const } : { input: options.input }),
    ...(command.cwd === undefined ? {} : { cwd: command.cwd }),
    env: { ...hiddenFrom(command.file), ...command.env },
    ...(options.finishes ? { detached: true } : {}),
    ...(options.signal === undefined || options.finishes ? {} : { cancelSignal: options.signal }),
    ...(options.timeout === undefined ? {} : { timeout: options.timeout }),
  });
  const interrupt = () => void child.kill('SIGINT');
  if (options.finishes) options.signal?.addEventListener('abort', interrupt);
  const { onLine } = options;
  if (onLine !== undefined) {
    // Read the streams separately: combined, a partial line of one could end up inside a line of the other.
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

/**
 * Requires that a program did not fail because of a full disk. Its messages must be in English.
 * @param what it writes, or where
 * @throws DISK_FULL
 */
export function requireSpace({ code, stderr }: ExecResult, what: string): void {
  if (code === 0 || !/No space left on device|Disk quota exceeded/i.test(stderr)) return;
  const cause = Object.assign(new Error(stderr.trim()), { code: 'ENOSPC' });
  throw diskFullError(cause, what) ?? cause;
}

/** An `Exec` that runs read-only commands and prints all others. Dry runs differ only here. */
export function dryRunExec(print: (line: string) => void, exec: Exec = runProcess): Exec {
  return async (command, options) => {
    if (command.effect === 'read') return exec(command, options);
    print(formatCommand(command));
    return { code: 0, stdout: '', stderr: '' };
  };
}

/** Runs a command that must succeed. If it fails, the error has its last lines of output. */
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
