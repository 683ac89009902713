import type { ChildProcess } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** A fake `docker` in `dir`, first on PATH, whose output a test chooses: such tests are about errors, not about Docker. */
export function fakeDocker(dir: string, script: string): Record<string, string> {
  const bin = join(dir, 'bin');
  mkdirSync(bin, { recursive: true });
  writeFileSync(join(bin, 'docker'), `#!/bin/sh\n${script}\n`);
  chmodSync(join(bin, 'docker'), 0o755);
  return { PATH: `${bin}:${process.env.PATH}` };
}

/** Its output for a builder with all features. */
export const BUILDER =
  'printf "Name: test\\nDriver: docker-container\\nNodes:\\nName: n\\nPlatforms: linux/amd64, linux/arm64\\n"';

/** For `onStart`: sends SIGINT to the child as soon as a file exists, e.g. one that a fake docker creates. */
export function interruptOnce(file: string): (child: ChildProcess) => void {
  return (child) => {
    const timer = setInterval(() => {
      if (!existsSync(file)) return;
      clearInterval(timer);
      child.kill('SIGINT');
    }, 50);
  };
}
