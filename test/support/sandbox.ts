import { mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { onTestFinished } from 'vitest';
import { TurnbuildError } from '../../src/errors.ts';

/** A folder of the running test, removed when it ends. */
export function temporaryFolder(): string {
  const dir = mkdtempSync(join(tmpdir(), 'turnbuild-test-'));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

/** Everything in a folder: names, types, modes, change times and contents. */
export function snapshot(dir: string): string[] {
  return readdirSync(dir, { recursive: true, withFileTypes: true })
    .map((entry) => {
      const path = join(entry.parentPath, entry.name);
      const name = relative(dir, path);
      if (entry.isSymbolicLink()) return `${name} -> ${readlinkSync(path)}`;
      const { mode, mtimeMs } = statSync(path);
      const facts = `${name} ${mode.toString(8)} ${mtimeMs}`;
      return entry.isFile() ? `${facts} ${readFileSync(path).toString('base64')}` : facts;
    })
    .sort();
}

/** The TurnbuildError that a function must throw. */
export async function errorOf(work: Promise<unknown>): Promise<TurnbuildError> {
  try {
    await work;
  } catch (error) {
    if (error instanceof TurnbuildError) return error;
    throw error;
  }
  throw new Error('expected a TurnbuildError, but none was thrown');
}
