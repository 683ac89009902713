import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { errorOf, temporaryFolder } from '../support/sandbox.ts';
import { type ToyRelease, toyRelease } from '../support/toy-release.ts';

// The real engine with fake stages: Ctrl-C, a second run in the same folder, and leftovers of a killed process.
let release: ToyRelease;
beforeEach(() => {
  release = toyRelease(temporaryFolder());
});

const STEP = 'package:debian-12:arm64';
const DEB = 'coturn_4.6.1+turnbuild-1~deb12_arm64.deb';
const hidden = () => readdirSync(release.out).filter((name) => name.startsWith('.'));

describe('Ctrl-C', () => {
  it('stops a running step at once and keeps only the finished steps, from which the next run continues', async () => {
    const interrupt = new AbortController();
    const begin = Date.now();
    release.middle.set(STEP, async ({ io }) => {
      setTimeout(() => interrupt.abort(), 50);
      await io.exec({ file: 'sleep', args: ['60'], effect: 'write' }, { signal: io.signal });
    });
    const error = await errorOf(release.run({ jobs: 1, signal: interrupt.signal }));
    expect([error.code, error.exitCode]).toEqual(['INTERRUPTED', 130]);
    expect(error.message).toContain('finished steps are kept');
    expect(Date.now() - begin).toBeLessThan(10_000);
    // No further step started: the other packages were still waiting.
    expect(release.performed()).toEqual(['build:debian-12:arm64', STEP]);
    expect(release.manifest().steps.map(({ id, status }) => [id, status])).toEqual([
      ['build:debian-12:arm64', 'done'],
    ]);
    expect(hidden()).toEqual([]);
    expect(existsSync(join(release.out, DEB))).toBe(false);
    release.middle.clear();
    await release.run();
    const order = release.performed();
    expect(order).toHaveLength(11);
    expect(order).not.toContain('build:debian-12:arm64');
  });

  it('during repackaging keeps the previous package, which verify refuses until it is replaced', async () => {
    await release.run();
    const old = readFileSync(join(release.out, DEB), 'utf8');
    release.setRecipe('package', 'package 2');
    const interrupt = new AbortController();
    release.middle.set(STEP, async ({ io }) => {
      interrupt.abort();
      await io.exec({ file: 'sleep', args: ['60'], effect: 'write' }, { signal: io.signal });
    });
    await errorOf(release.run({ jobs: 1, signal: interrupt.signal }));
    expect(readFileSync(join(release.out, DEB), 'utf8')).toBe(old);
    const error = await errorOf(release.run({ stages: ['verify'] }));
    expect(error.code).toBe('STEP_STALE');
    release.middle.clear();
    await release.run();
    expect(readFileSync(join(release.out, DEB), 'utf8')).toMatch(/^package 2 of /);
  });

  it('before the first step prevents all steps', async () => {
    const error = await errorOf(release.run({ signal: AbortSignal.abort() }));
    expect(error.code).toBe('INTERRUPTED');
    expect(release.performed()).toEqual([]);
    expect(hidden()).toEqual([]);
  });
});

describe('a second run in the same folder', () => {
  it('is refused and does not disturb the first', async () => {
    let refused: unknown;
    release.middle.set(STEP, async () => {
      refused = await release.run().catch((error: unknown) => error);
    });
    await release.run();
    expect(refused).toMatchObject({ code: 'RELEASE_LOCKED', exitCode: 1 });
    expect(release.performed()).toHaveLength(12);
    expect(hidden()).toEqual([]);
  });
});

describe('a run after a killed process', () => {
  it('takes over its lock and replaces its partial and unrecorded files', async () => {
    await release.run({ stages: ['build'] });
    release.performed();
    const work = join(release.out, 'work/tmp', STEP.replaceAll(':', '-'));
    mkdirSync(work, { recursive: true });
    writeFileSync(join(work, 'half'), 'half');
    writeFileSync(join(release.out, DEB), 'half');
    writeFileSync(
      join(release.out, '.lock'),
      JSON.stringify({ pid: spawnSync('true').pid, host: hostname() }),
    );
    await release.run({ stages: ['package'] });
    expect(release.performed()).toHaveLength(4);
    expect(readFileSync(join(release.out, DEB), 'utf8')).toMatch(/^package 1 of /);
    expect(hidden()).toEqual([]);
  });
});
