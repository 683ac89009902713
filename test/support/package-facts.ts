import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ElfFile, PackageFacts } from '../../src/checks/facts.ts';
import { platformOf } from '../../src/plan/platforms.ts';
import type { ApplicableAdvisory } from '../../src/recipe/advisories.ts';
import { metricsFor, metricsSchema } from '../../src/recipe/metrics.ts';
import { parseRecipeFile } from '../../src/recipe/parse.ts';
import { target } from './plan-facts.ts';

const root = new URL('../../', import.meta.url);
const read = (path: string) => readFileSync(new URL(path, root), 'utf8');

/** A program with the properties that the checks look for, like turnserver: fortified copies, a stack buffer, microhttpd. */
export const GOOD_PROGRAM = `
#include <stdio.h>
#include <string.h>
extern void *MHD_start_daemon(unsigned int flags, unsigned short port, ...);
int main(int argc, char **argv) {
  char buffer[64];
  strcpy(buffer, argv[argc - 1]);
  snprintf(buffer, sizeof(buffer), argv[0]);
  puts(buffer);
  return MHD_start_daemon(0, 0) != 0;
}`;

export const GOOD_FLAGS = [
  '-O2',
  '-fPIE',
  '-pie',
  '-fstack-protector-strong',
  '-U_FORTIFY_SOURCE',
  '-D_FORTIFY_SOURCE=2',
  '-Wl,-z,relro',
  '-Wl,-z,now',
  '-Wl,-z,noexecstack',
  '-Wl,--build-id',
  '-w',
];

const compiled = new Map<string, ElfFile>();

/**
 * Compiles a real program with the machine's gcc and reads it with the same readelf calls as recipes/docker/inspection.sh. Reuses programs
 * compiled before.
 */
export function compileElf(
  source: string,
  flags: readonly string[],
  libraries: readonly string[] = ['-lmicrohttpd'],
  path = '/usr/bin/turnserver',
): ElfFile {
  const key = JSON.stringify([source, flags, libraries, path]);
  const file = compiled.get(key) ?? kept(key, () => compile(source, flags, libraries, path));
  compiled.set(key, file);
  return { ...file };
}

/** A program that an earlier test of this run compiled, if test/support/elf-cache.ts made a folder for it. */
function kept(key: string, make: () => ElfFile): ElfFile {
  const folder = process.env.TURNBUILD_TEST_ELF_CACHE;
  if (folder === undefined) return make();
  const name = join(folder, createHash('sha256').update(key).digest('hex'));
  if (existsSync(name)) return JSON.parse(readFileSync(name, 'utf8')) as ElfFile;
  const file = make();
  writeFileSync(name, JSON.stringify(file));
  return file;
}

function compile(
  source: string,
  flags: readonly string[],
  libraries: readonly string[],
  path: string,
): ElfFile {
  const dir = mkdtempSync(join(tmpdir(), 'turnbuild-elf-'));
  try {
    writeFileSync(join(dir, 'a.c'), source);
    execFileSync('gcc', [...flags, 'a.c', '-o', 'a.out', ...libraries], {
      cwd: dir,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const readelf = (...args: string[]) =>
      execFileSync('readelf', [...args, 'a.out'], { cwd: dir, encoding: 'utf8' });
    return {
      path,
      header: readelf('-h'),
      dynamic: readelf('--wide', '-d'),
      symbols: readelf('--wide', '--dyn-syms'),
      versions: readelf('--wide', '-V'),
      segments: readelf('--wide', '-l'),
      notes: readelf('--wide', '-n'),
    };
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

/** An advisory that applies to the version under test. */
export const advisory = (id: string): ApplicableAdvisory => ({
  id,
  severity: 'high',
  fixed: '9.9.9',
  summary: '',
  reference: '',
});

/** The build ID that readelf printed. */
export function buildIdOf(file: ElfFile): string {
  return /Build ID: ([0-9a-f]+)/.exec(file.notes)?.[1] ?? '';
}

/** Facts of a package for this machine's architecture, with replaceable parts. */
export function packageFacts(parts: Partial<PackageFacts> = {}): PackageFacts {
  return {
    version: '4.6.1',
    packageVersion: '4.6.1+turnbuild-1~deb12',
    target: target('debian-12'),
    platform: platformOf(process.arch === 'arm64' ? 'arm64' : 'x86_64'),
    advisories: [],
    metrics: metricsFor(
      '4.6.1',
      parseRecipeFile('recipes/metrics.yaml', read('recipes/metrics.yaml'), metricsSchema),
    ),
    deviations: [],
    sourceMetrics: new Set(),
    elf: [],
    tarballElf: [],
    inspected: {},
    values: new Map(),
    files: new Map(),
    lab: undefined,
    handlesStop: true,
    drains: false,
    reloads: true,
    hasMicrohttpd: true,
    options: new Set(['listening-port', 'prometheus']),
    programOptions: new Set(['listening-port', 'prometheus']),
    sanitizes: true,
    built: true,
    ...parts,
  };
}
