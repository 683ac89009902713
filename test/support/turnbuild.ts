import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { turnbuildHere } from './turnbuild-here.ts';

export const PROGRAM = fileURLToPath(new URL('../../bin/turnbuild.js', import.meta.url));

export interface Run {
  code: number;
  stdout: string;
  stderr: string;
}

export interface RunOptions {
  env?: Record<string, string>;
  cwd?: string;
  /** Folder of an installed turnbuild; by default this project. */
  program?: string;
  /** The user to run as; requires root. */
  user?: { uid: number; gid: number };
  /** Called with the child once it runs, e.g. to send it a signal. */
  onStart?: (child: ReturnType<typeof spawn>) => void;
}

/** StrykerJS runs this test. */
export const MUTATES = '__stryker__' in globalThis;

/** Runs the bundled program like a user. If a signal ends the program, the exit code is 128 plus the signal's number. */
export function turnbuild(args: readonly string[], options: RunOptions = {}): Promise<Run> {
  const { env: _, cwd: __, ...others } = options;
  if (MUTATES && Object.keys(others).length === 0) return turnbuildHere(args, options);
  return new Promise((resolve, reject) => {
    const program = options.program === undefined ? PROGRAM : join(options.program, 'bin/turnbuild.js');
    const child = spawn(process.execPath, [program, ...args], {
      cwd: options.cwd,
      ...options.user,
      env: { ...process.env, CI: 'true', NO_COLOR: '1', ...options.env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (chunk: Buffer) => {
      stdout += chunk.toString();
    });
    child.stderr.on('data', (chunk: Buffer) => {
      stderr += chunk.toString();
    });
    child.on('error', reject);
    child.on('close', (code, signal) =>
      resolve({ code: code ?? 128 + (signal === null ? 0 : constants.signals[signal]), stdout, stderr }),
    );
    options.onStart?.(child);
  });
}

/** Sends SIGINT some milliseconds after the first line with this text. @param sent is called afterwards */
export function interruptOnLine(
  child: ReturnType<typeof spawn>,
  text: string,
  ms: number,
  sent: () => void = () => {},
): void {
  let seen = false;
  child.stdout?.on('data', (chunk: Buffer) => {
    if (seen || !chunk.toString().includes(text)) return;
    seen = true;
    setTimeout(() => {
      child.kill('SIGINT');
      sent();
    }, ms);
  });
}
