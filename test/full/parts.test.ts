import { execFileSync } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Manifest } from '../../src/manifest/schema.ts';
import { fileFolder, manifestOf, run461 } from '../support/e2e.ts';
import { startRemoteBuilder } from '../support/remote-builder.ts';
import { expectSamePackages } from '../support/same-bytes.ts';
import { turnbuild } from '../support/turnbuild.ts';

// Executes one plan on one machine, and in six parts as on six machines, one of them with another builder.
const dir = fileFolder('parts');
const plan = join(dir, 'plan.json');
const whole = join(dir, 'whole');
const one = join(dir, 'one');
const PARTS = ['debian-12', 'debian-13', 'portable'].flatMap((target) =>
  ['arm64', 'x86_64'].map((arch) => ({ target, arch, out: join(dir, `${target}-${arch}`) })),
);
const REMOTE = 'debian-13-x86_64';

const perform = (args: readonly string[], env?: Record<string, string>) =>
  turnbuild(['release', '--plan', plan, ...args], env === undefined ? {} : { env });

beforeAll(async () => {
  const planned = await run461('plan', ['--only', 'elf,package,install', '--json']);
  expect(planned.code, planned.stderr).toBe(0);
  writeFileSync(plan, planned.stdout);
  const run = await perform(['--out', one]);
  expect(run.code, run.stderr).toBe(0);
  for (const { target, arch, out } of PARTS) {
    const args = ['--target', target, '--arch', arch, '--out', out];
    const builder = out.endsWith(REMOTE)
      ? await startRemoteBuilder('turnbuild-e2e-part', join(dir, 'buildx'))
      : undefined;
    try {
      const where = builder === undefined ? [] : ['--builder', builder.name];
      const part = await perform([...args, ...where], builder?.env);
      expect(part.code, part.stderr).toBe(0);
    } finally {
      await builder?.stop();
    }
  }
  const collected = await turnbuild(['collect', ...PARTS.map(({ out }) => out), '--out', whole]);
  expect(collected.code, collected.stderr).toBe(0);
}, 3_600_000);

/** A manifest without values that differ between runs: times and observations. */
const lasting = ({ steps, ...rest }: Manifest) => ({
  ...rest,
  steps: steps.map(({ seconds: _, finished: ____, metrics: __, facts: ___, outputs, checks, ...step }) => ({
    ...step,
    outputs: step.stage === 'verify' ? outputs.map(({ path }) => path) : outputs,
    checks: checks?.map(({ id, status }) => [id, status]),
  })),
});

describe('six parts', () => {
  it('have the same manifest as a release on one machine', () => {
    expect(lasting(manifestOf(whole))).toEqual(lasting(manifestOf(one)));
    expect(manifestOf(whole).steps).toHaveLength(18);
  });

  it('have the same bytes as a release on one machine', async () => {
    await expectSamePackages(whole, one, 23);
    execFileSync('sha256sum', ['--check', '--strict', '--quiet', 'SHA256SUMS'], {
      cwd: join(whole, '4.6.1'),
    });
  });

  it('record the packages of each verdict', () => {
    const { steps } = manifestOf(whole);
    for (const { inputs, id } of steps.filter(({ stage }) => stage === 'verify')) {
      const made = steps.find((step) => step.id === id.replace('verify', 'package'))?.outputs ?? [];
      expect(made.length).toBeGreaterThan(1);
      expect(inputs).toEqual(expect.arrayContaining(made.map(({ path, sha256 }) => ({ path, sha256 }))));
    }
  });

  it('are not collected if one is missing', async () => {
    const out = join(dir, 'incomplete');
    const run = await turnbuild(['collect', ...PARTS.slice(1).map((part) => part.out), '--out', out]);
    expect(run.stderr).toMatch(/build:debian-12:arm64[\s\S]*COLLECT_INCOMPLETE/);
    expect(existsSync(join(out, '4.6.1'))).toBe(false);
  });
});

describe('packaging alone', () => {
  it('uses no base image of the foreign architecture', async () => {
    const out = join(dir, 'packaged');
    const part = ['--target', 'debian-13', '--arch', 'arm64', '--out', out, '--dry-run'];
    const run = await turnbuild(['package', '--plan', plan, ...part]);
    expect(run.code, run.stderr).toBe(0);
    expect(run.stdout).not.toContain('trixie-arm64');
  });
});
