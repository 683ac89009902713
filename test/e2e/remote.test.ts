import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { LabFacts } from '../../src/lab/facts.ts';
import { checksOf, copyRecipes, fileFolder, manifestOf, ONE, release } from '../support/e2e.ts';
import { startRemoteBuilder } from '../support/remote-builder.ts';

// A builder that is reached over BuildKit's own protocol. test/full does the same without caches and with every check.
const dir = fileFolder('remote');

it('builds and verifies on a remote builder without local tags or mounts', async () => {
  const out = join(dir, 'dist');
  const builder = await startRemoteBuilder('turnbuild-e2e-remote', join(dir, 'buildx'));
  try {
    const args = ['--out', out, ...ONE, '--builder', builder.name, '--only', 'install.clean,network.ttl'];
    const run = await release(args, { env: builder.env });
    expect(run.code, run.stderr).toBe(0);
    expect(run.stdout).toMatch(/builder turnbuild-e2e-remote \(remote\)/);
  } finally {
    await builder.stop();
  }
  // At least sources and packages went over this connection, so the build used it.
  expect(builder.transferred()).toBeGreaterThan(2 ** 20);
  // One check uses the container with the installed package, one the laboratory.
  const checks = checksOf(manifestOf(out), 'verify:debian-13:x86_64');
  expect(['install.clean', 'network.ttl'].map((id) => checks.get(id)?.status)).toEqual(['passed', 'passed']);
  // Nothing else ran in either.
  const seen = (name: string) => readFileSync(join(out, '4.6.1/work/verify/debian-13-x86_64', name), 'utf8');
  const phases = [...seen('verify/facts.txt').matchAll(/^seconds\.(\S+)/gm)].map(([, phase]) => phase);
  expect(phases).toEqual(['dependencies', 'install']);
  const { servers, seconds } = JSON.parse(seen('lab/lab.json')) as LabFacts;
  expect([Object.keys(servers), Object.keys(seconds).sort()]).toEqual([['relay'], ['relay', 'relays']]);
});

it('verifies one package at a time if containers may share a network', async () => {
  const recipes = copyRecipes(dir);
  // Records only its start and end. The verification fails.
  writeFileSync(
    join(recipes, 'docker/verify/main.sh'),
    'mkdir -p /out; printf "begin\\t%s\\n" "$(date +%s%N)" >/out/facts.txt; sleep 3; printf "end\\t%s\\n" "$(date +%s%N)" >>/out/facts.txt\n',
  );
  const other = join(dir, 'turns');
  const builder = await startRemoteBuilder('turnbuild-e2e-turns', join(dir, 'buildx-turns'));
  try {
    const targets = ['--target', 'debian-12,debian-13', '--arch', 'x86_64'];
    const where = [...targets, '--jobs', '2', '--builder', builder.name, '--only', 'install.clean'];
    const run = await release(['--out', other, '--recipes', recipes, ...where], { env: builder.env });
    expect(run.stderr).toMatch(/VERIFY_FAILED/);
  } finally {
    await builder.stop();
  }
  const spans = ['debian-12', 'debian-13'].map((target) => {
    const facts = readFileSync(join(other, `4.6.1/work/verify/${target}-x86_64/verify/facts.txt`), 'utf8');
    return [...facts.matchAll(/\t(\d+)/g)].map(([, time]) => BigInt(time ?? 0));
  });
  const [first, second] = spans.sort((a, b) => ((a[0] ?? 0n) < (b[0] ?? 0n) ? -1 : 1));
  expect(first).toHaveLength(2);
  expect(second?.[0]).toBeGreaterThan(first?.[1] ?? 0n);
});
