import { execFileSync } from 'node:child_process';
import { cpSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const ROOT = new URL('../../', import.meta.url).pathname;

const COPIED = [
  ...['bin', 'src', 'scripts', 'recipes', 'patches', 'schemas', 'docs'],
  ...['package.json', 'README.md', 'CHANGELOG.md', 'LICENSE'],
];

/** A copy of turnbuild whose code a test changes. */
export interface CopiedProject {
  dir: string;
  /** Inserts text before the only occurrence of another text. */
  insert(path: string, before: string, text: string): void;
  /** Builds lib/ from src/. */
  bundle(): void;
}

/** Copies the project except lib/. @param dir an empty folder */
export function copyProject(dir: string): CopiedProject {
  for (const name of COPIED) cpSync(join(ROOT, name), join(dir, name), { recursive: true });
  symlinkSync(join(ROOT, 'node_modules'), join(dir, 'node_modules'));
  return {
    dir,
    insert(path, before, text) {
      const parts = readFileSync(join(dir, path), 'utf8').split(before);
      if (parts.length !== 2)
        throw new Error(`${path} contains this text ${parts.length - 1} times (expected once): ${before}`);
      writeFileSync(join(dir, path), parts.join(`${text}${before}`));
    },
    bundle: () => void execFileSync(process.execPath, ['scripts/bundle.js'], { cwd: dir }),
  };
}
