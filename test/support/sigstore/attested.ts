import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type PackagedOptions, packagedRelease } from '../packaged-release.ts';
import type { Run } from '../turnbuild.ts';
import { turnbuildHere } from '../turnbuild-here.ts';

/** A release of a test, and commands about it. They run in this process, because many tests need them. */
export interface Attested {
  /** The working directory. The test removes it. */
  cwd: string;
  /** The release's folder, and the one of its statements. */
  dir: string;
  trust: string;
  /** Path of a package. */
  file: string;
  attest(args: readonly string[], env?: Record<string, string>): Promise<Run>;
  verify(args: readonly string[], file?: string): Promise<Run>;
}

export const DEB = 'coturn_4.18.0+turnbuild-1~deb13_amd64.deb';
/** First part of the names of its statements. */
export const NAME = 'coturn-4.18.0-1-debian-13-x86_64';

/** A release in a folder of its own. @param trustedRoot is put into the file `root.json` of the working directory */
export function attestedRelease(trustedRoot?: string, options: PackagedOptions = {}): Attested {
  const cwd = mkdtempSync(join(tmpdir(), 'turnbuild-test-'));
  const dir = packagedRelease(join(cwd, 'dist'), options);
  if (trustedRoot !== undefined) writeFileSync(join(cwd, 'root.json'), trustedRoot);
  const file = join(dir, DEB);
  return {
    ...{ cwd, dir, file },
    trust: join(dir, 'trust'),
    attest: (args, env = {}) => turnbuildHere(['attest', ...args], { cwd, env }),
    verify: (args, path = file) => turnbuildHere(['verify-artifact', path, ...args], { cwd }),
  };
}
