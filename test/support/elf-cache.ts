import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A folder for compiled programs during one run of vitest, because `npm run mutants` runs the same tests thousands of times. */
export default function setup(): () => void {
  const folder = mkdtempSync(join(tmpdir(), 'turnbuild-elf-cache-'));
  process.env.TURNBUILD_TEST_ELF_CACHE = folder;
  return () => rmSync(folder, { recursive: true, force: true });
}
