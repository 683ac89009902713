import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect } from 'vitest';
import { filesOf, manifestOf, release } from './e2e.ts';

/** Files to compare byte by byte: everything that is published, and the bills of materials. */
const PACKAGES = /\.(deb|rpm|tar\.gz|cdx\.json)$/;

/** Asserts that two folders have identical packages of these steps. @param count the expected number of files, so that none is forgotten */
export async function expectSamePackages(folder: string, first: string, count: number): Promise<void> {
  const names = filesOf(folder, PACKAGES);
  expect(names).toHaveLength(count);
  const reference = await referenceFor(folder, first);
  for (const name of names) {
    const [one, other] = [reference, folder].map((each) => join(each, '4.6.1', name)) as [string, string];
    if (readFileSync(one).equals(readFileSync(other))) continue;
    // Describe the difference. diffoscope exits with 1 if it finds one.
    spawnSync('diffoscope', ['--text', '-', one, other], { stdio: 'inherit' });
    throw new Error(`${name} differs between the two releases`);
  }
}

/**
 * The folder with the packages that those in `folder` must equal: the first release's. If the archive's packages have changed since, which
 * is another input, builds them again from its current packages.
 */
async function referenceFor(folder: string, first: string): Promise<string> {
  const moved = otherPackages(first, folder);
  if (moved.length === 0) return first;
  console.log(
    `the archive changed while the tests ran, so the first release is built again: ${moved.join(', ')}`,
  );
  const anew = mkdtempSync(join(dirname(first), 'anew-'));
  const steps = manifestOf(folder).steps.filter((step) => step.stage === 'build');
  const all = (key: 'target' | 'arch') => [...new Set(steps.map((step) => step[key]))].join(',');
  const run = await release(['--out', anew, '--target', all('target'), '--arch', all('arch'), '--no-verify']);
  expect(run.code, run.stderr).toBe(0);
  expect(otherPackages(anew, folder)).toEqual([]);
  return anew;
}

/** Packages whose versions differ between the toolchains of two releases. */
function otherPackages(first: string, second: string): string[] {
  return manifestOf(second)
    .steps.filter((step) => step.stage === 'build')
    .flatMap((step) => {
      const [a, b] = [first, second].map((folder) => toolchainOf(folder, step.id));
      return [...(a ?? [])].filter(([name, version]) => b?.has(name) && b.get(name) !== version);
    })
    .map(([name]) => name);
}

/** Package names and versions of a release's toolchain. */
function toolchainOf(folder: string, id: string): Map<string, string> {
  const facts = manifestOf(folder).steps.find((step) => step.id === id)?.facts;
  const lines = (facts?.toolchain ?? []) as string[];
  expect(lines.length, `toolchain of ${id}`).toBeGreaterThan(100);
  return new Map(lines.map((line) => line.split('=') as [string, string]));
}
