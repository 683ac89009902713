import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { turnbuildHere } from './turnbuild-here.ts';

const PROGRAM = fileURLToPath(new URL('../../bin/turnbuild.js', import.meta.url));

export interface Run {
  code: number;
  stdout: string;
  stderr: string;
}

export interface RunOptions {
  env?: Record<string, string>;
  cwd?: string;
  /** Folder of an installed turnbuild; this project without it. */
  program?: string;
  /** Whom to run as; needs root. */
  user?: { uid: number; gid: number };
  /** Called with the child once it runs, e.g. to send it a signal. */
  onStart?: (child: ReturnType<typeof spawn>) => void;
}

/** StrykerJS runs this test. */
export const MUTATES = '__stryker__' in globalThis;

/** Runs the bundled program as a user would. The exit code of a program that a signal ended is 128 and the signal. */
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
      resolve({ code: code ?? (signal === 'SIGINT' ? 130 : 143), stdout, stderr }),
    );
    options.onStart?.(child);
  });
}

/** Sends SIGINT some milliseconds after the first line that has this text. @param sent is called when it has been */
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
