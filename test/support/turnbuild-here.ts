import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Run, RunOptions } from './turnbuild.ts';

const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));

/** Captures what is written to a stream. @returns a function that stops the capture and returns the text */
function capture(stream: NodeJS.WriteStream): () => string {
  const { write } = stream;
  let text = '';
  stream.write = (chunk: string | Uint8Array) => {
    text += typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString();
    return true;
  };
  return () => {
    stream.write = write;
    return text;
  };
}

/**
 * Runs turnbuild from its sources in this process, where StrykerJS changes the code. A worker thread cannot change its working directory, so
 * relative file names are made absolute. One run at a time.
 */
export async function turnbuildHere(
  args: readonly string[],
  { env = {}, cwd = process.cwd() }: Pick<RunOptions, 'env' | 'cwd'>,
): Promise<Run> {
  // Like the bundle.
  Object.assign(globalThis, { TURNBUILD_VERSION: version });
  const { program } = await import('../../src/cli/program.ts');
  const { report } = await import('../../src/cli/failure.ts');
  const before = { env: { ...process.env }, exitCode: process.exitCode, cwd: process.cwd };
  const ends = [capture(process.stdout), capture(process.stderr)];
  Object.assign(process.env, { CI: 'true', NO_COLOR: '1', ...env });
  process.exitCode = 0;
  process.cwd = () => cwd;
  const words = args.map((word) => (existsSync(join(cwd, word)) ? join(cwd, word) : word));
  try {
    await program.parseAsync(words, { from: 'user' }).catch((error: unknown) => {
      process.exitCode = report(error, program, words);
    });
  } finally {
    process.cwd = before.cwd;
    for (const name of Object.keys(process.env)) if (!(name in before.env)) delete process.env[name];
    Object.assign(process.env, before.env);
  }
  const [stdout = '', stderr = ''] = ends.map((end) => end());
  const run = { code: Number(process.exitCode), stdout, stderr };
  process.exitCode = before.exitCode;
  return run;
}
