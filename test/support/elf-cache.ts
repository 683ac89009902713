import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A folder for programs that are compiled, as long as one run of vitest takes: `npm run mutants` starts the same tests thousands of times. */
export default function setup(): () => void {
  const folder = mkdtempSync(join(tmpdir(), 'turnbuild-elf-cache-'));
  process.env.TURNBUILD_TEST_ELF_CACHE = folder;
  return () => rmSync(folder, { recursive: true, force: true });
}
