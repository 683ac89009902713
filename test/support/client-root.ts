import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { sha256Text } from '../../src/io/files.ts';
import { cacheFolder } from '../../src/run/session.ts';
import { archiveLines, enter } from './debian-root.ts';
import type { Run } from './turnbuild.ts';

/** A Debian whose apt, dnf, rpm and (from Debian 13 on) sqv read the repositories of a test. It uses no archive of its own. */
export interface ClientRoot {
  dir: string;
  /** Runs a program in it. */
  run(args: readonly string[]): Promise<Run>;
  /** Adds or replaces a file. @returns its path in the root */
  file(path: string, content: string | Buffer): string;
  remove(): void;
}

const PACKAGES = {
  bookworm: ['dnf', 'gpgv', 'rpm'],
  trixie: ['dnf', 'rpm', 'sqv'],
} as const;

export type ClientSuite = keyof typeof PACKAGES;
export const CLIENT_SUITES = Object.keys(PACKAGES) as ClientSuite[];

const DAY_MS = 24 * 60 * 60 * 1000;
const MAX_AGE_MS = 30 * DAY_MS;

/** A root of a suite, from a cached one of the last 30 days or from the archive. `chrootObstacle` says whether it can be created. */
export async function clientRoot(suite: ClientSuite): Promise<ClientRoot> {
  const dir = mkdtempSync(join(tmpdir(), `turnbuild-root-${suite}-`));
  execFileSync('tar', ['-xf', await rootTar(suite), '-C', dir]);
  writeFileSync(join(dir, 'etc/apt/sources.list'), '');
  writeFileSync(join(dir, 'usr/sbin/policy-rc.d'), '#!/bin/sh\nexit 101\n', { mode: 0o755 });
  return {
    dir,
    run: (args) => enter(dir, args),
    file(path, content) {
      mkdirSync(dirname(join(dir, path)), { recursive: true });
      writeFileSync(join(dir, path), content);
      return `/${path}`;
    },
    remove: () => rmSync(dir, { recursive: true, force: true }),
  };
}

async function rootTar(suite: ClientSuite): Promise<string> {
  const include = PACKAGES[suite].join(',');
  const name = `${suite}-${process.arch}-${sha256Text(include).slice(0, 12)}.tar`;
  const tar = join(cacheFolder(), 'test-roots', name);
  if (existsSync(tar) && Date.now() - statSync(tar).mtimeMs < MAX_AGE_MS) return tar;
  mkdirSync(dirname(tar), { recursive: true });
  const part = `${tar.slice(0, -'.tar'.length)}.${process.pid}.part.tar`;
  const lines = await archiveLines(suite);
  try {
    execFileSync('mmdebstrap', [
      ...['--quiet', '--variant=apt', `--include=${include}`, suite, part],
      ...lines,
    ]);
    renameSync(part, tar);
  } finally {
    rmSync(part, { force: true });
  }
  removeOthers(tar, suite);
  return tar;
}

/** Removes what earlier package lists and killed runs have left of a suite. Other runs may be writing the recent ones. */
function removeOthers(tar: string, suite: ClientSuite): void {
  const dir = dirname(tar);
  for (const name of readdirSync(dir).filter((each) => each.startsWith(`${suite}-${process.arch}-`))) {
    const file = join(dir, name);
    const age = Date.now() - (statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0);
    if (file !== tar && (!name.endsWith('.part.tar') || age > DAY_MS)) rmSync(file, { force: true });
  }
}
