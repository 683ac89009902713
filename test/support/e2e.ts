import {
  appendFileSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect } from 'vitest';
import { sha256Text } from '../../src/io/files.ts';
import type { CheckResult, Manifest } from '../../src/manifest/schema.ts';
import { parseManifest } from '../../src/manifest/store.ts';
import { type Run, type RunOptions, turnbuild } from './turnbuild.ts';

// Shared by the end-to-end tests: real coturn 4.6.1 from the Debian archive, on a real Docker engine.
export const ROOT = fileURLToPath(new URL('../../', import.meta.url));
/** This machine's architecture and the emulated one. */
export const NATIVE = process.arch === 'arm64' ? 'arm64' : 'x86_64';
export const FOREIGN = NATIVE === 'arm64' ? 'x86_64' : 'arm64';
/** The package for planted faults, which needs no emulation. */
export const ONE = ['--target', 'debian-13', '--arch', 'x86_64'];
/** Cuts apt off the network, for a script in a container. */
export const CUT = `echo 'Acquire { http::Proxy "http://127.0.0.1:9"; https::Proxy "http://127.0.0.1:9"; Retries "0"; };' >/etc/apt/apt.conf.d/99cut\n`;

/** A folder of one test file, removed after its last test. */
export function fileFolder(name: string): string {
  const dir = mkdtempSync(join(tmpdir(), `turnbuild-e2e-${name}-`));
  afterAll(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

/** Options for heavy commands: if two files run at once, each does one thing at a time (vitest.config.ts). */
export const JOBS: readonly string[] =
  process.env.TURNBUILD_TEST_JOBS === undefined ? [] : ['--jobs', process.env.TURNBUILD_TEST_JOBS];

/** A turnbuild command for coturn 4.6.1. */
export function run461(command: string, args: readonly string[], options?: RunOptions): Promise<Run> {
  return turnbuild([command, '4.6.1', '--source', 'debian', ...JOBS, ...args], options);
}

export const release = (args: readonly string[], options?: RunOptions) => run461('release', args, options);

export function manifestOf(folder: string, name = '4.6.1'): Manifest {
  const file = join(folder, name, 'manifest.json');
  return parseManifest(file, readFileSync(file, 'utf8'), sha256Text);
}

/** Results of a step's checks by ID. */
export function checksOf({ steps }: Manifest, id: string): Map<string, CheckResult> {
  const step = steps.find((each) => each.id === id);
  if (step?.checks === undefined)
    throw new Error(`${id} has no checks: ${step?.error ?? 'the manifest has no such step'}`);
  return new Map(step.checks.map((check) => [check.id, check]));
}

/** `ID STATUS` of the checks that did not pass. */
export function unpassed(checks: ReadonlyMap<string, CheckResult>): string[] {
  return [...checks.values()]
    .filter(({ status }) => status !== 'passed')
    .map(({ id, status }) => `${id} ${status}`);
}

/** Sorted names of the files in a release's folder with this ending. */
export function filesOf(folder: string, end: RegExp): string[] {
  return readdirSync(join(folder, '4.6.1'))
    .filter((name) => end.test(name))
    .sort();
}

export const debs = (folder: string) => filesOf(folder, /\.deb$/);

/** Copies the project's recipes and patches, to be changed. Returns the folder of the recipes. */
export function copyRecipes(dir: string): string {
  const copy = mkdtempSync(join(dir, 'recipes-'));
  for (const name of ['recipes', 'patches']) cpSync(join(ROOT, name), join(copy, name), { recursive: true });
  return join(copy, 'recipes');
}

/** Changes one file and asserts that it changed. */
export function edit(file: string, change: (text: string) => string): void {
  const text = readFileSync(file, 'utf8');
  const changed = change(text);
  expect(changed, `${file} as changed`).not.toBe(text);
  writeFileSync(file, changed);
}

/** Adds a patch for coturn 4.6.1. @param recipes a copy of the recipes */
export function plantPatch(recipes: string, patch: string): void {
  const patches = join(recipes, '../patches');
  mkdirSync(join(patches, 'planted'));
  writeFileSync(join(patches, 'planted/series'), 'planted.patch\n');
  writeFileSync(join(patches, 'planted/planted.patch'), patch);
  appendFileSync(
    join(patches, 'compatibility.yaml'),
    "- versions: '4.6.1'\n  series: planted\n  reason: a planted fault\n",
  );
}
