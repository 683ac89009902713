import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { TurnbuildError } from '../../src/errors.ts';
import { errorOf, temporaryFolder } from '../support/sandbox.ts';
import { printed, type ToyRelease, toyRelease } from '../support/toy-release.ts';

// The real engine with fake stages: which steps a failure stops.
let release: ToyRelease;
let dir: string;
beforeEach(() => {
  dir = temporaryFolder();
  release = toyRelease(dir);
});

const fails = (code: string) => async () => {
  throw new TurnbuildError(code, `${code} was planted`, { hint: `mend ${code}` });
};
const statuses = () => Object.fromEntries(release.manifest().steps.map(({ id, status }) => [id, status]));

describe('a step that fails', () => {
  it('ends its own package, leaves nothing half-made, and lets the others finish', async () => {
    release.middle.set('build:debian-13:arm64', fails('COMPILE_FAILED'));
    const error = await errorOf(release.run());
    expect([error.code, error.hint]).toEqual(['COMPILE_FAILED', 'mend COMPILE_FAILED']);
    expect(error.message).toBe('build failed for debian-13 arm64:\nCOMPILE_FAILED was planted');
    const found = statuses();
    expect(found['build:debian-13:arm64']).toBe('failed');
    expect(Object.keys(found)).toHaveLength(10);
    expect(Object.values(found).filter((status) => status === 'done')).toHaveLength(9);
    expect(existsSync(join(release.out, 'work/build/debian-13-arm64'))).toBe(false);
    expect(readdirSync(release.out).filter((name) => /^\.|deb13_arm64/.test(name))).toEqual([]);
    expect(release.manifest().steps.find(({ id }) => id === 'build:debian-13:arm64')?.error).toBe(
      'COMPILE_FAILED was planted',
    );
    release.performed();
    release.middle.clear();
    await release.run();
    expect(release.performed()).toEqual(
      ['build', 'package', 'verify'].map((stage) => `${stage}:debian-13:arm64`),
    );
  });

  it('beside others that fail: all are told, with the first one’s code', async () => {
    release.middle.set('build:debian-12:arm64', fails('COMPILE_FAILED'));
    release.middle.set('package:debian-13:x86_64', fails('LICENSE_UNKNOWN'));
    const error = await errorOf(release.run({ jobs: 1 }));
    expect(error.code).toBe('COMPILE_FAILED');
    expect(error.message).toBe(
      'build failed for debian-12 arm64:\nCOMPILE_FAILED was planted\n\npackage failed for debian-13 x86_64:\nLICENSE_UNKNOWN was planted',
    );
  });

  it('by the same cause as others: it is told once, with the names of all', async () => {
    for (const { id } of release.plan.steps.filter(({ stage }) => stage === 'build'))
      release.middle.set(id, fails('COMPILE_FAILED'));
    const { message } = await errorOf(release.run({ jobs: 1 }));
    expect(message.match(/COMPILE_FAILED was planted/g)).toHaveLength(1);
    for (const name of ['debian-12 arm64', 'debian-12 x86_64', 'debian-13 arm64', 'debian-13 x86_64'])
      expect(message).toContain(name);
  });

  it('after it was done once: its old results are no longer believed', async () => {
    await release.run();
    release.setRecipe('build', 'build 2');
    release.middle.set('build:debian-12:arm64', fails('COMPILE_FAILED'));
    await errorOf(release.run());
    const found = Object.keys(statuses()).filter((id) => id.endsWith('debian-12:arm64'));
    expect(found).toEqual(['build:debian-12:arm64']);
    const error = await errorOf(release.run({ stages: ['package'] }));
    expect(error.code).toBe('STEP_BLOCKED');
    expect(error.message).toBe('package failed for debian-12 arm64:\nnot built yet');
  });

  it('without an error that turnbuild knows is an error of the program, and is recorded all the same', async () => {
    release.middle.set('verify:debian-12:arm64', () => Promise.reject(new RangeError('planted')));
    await expect(release.run()).rejects.toThrow(RangeError);
    expect(statuses()['verify:debian-12:arm64']).toBe('failed');
    expect(readdirSync(release.out).filter((name) => name.startsWith('.'))).toEqual([]);
  });
});

describe('the record of a step', () => {
  const ID = 'build:debian-13:arm64';
  const recorded = () => {
    const { status, error } = release.manifest().steps.find(({ id }) => id === ID) ?? {};
    return { status, error };
  };

  it.each([
    ['of the same inputs', 'build 1'],
    ['of other inputs', 'build 2'],
  ])('that fails again, %s, has the error of the last time', async (_, recipe) => {
    release.middle.set(ID, fails('COMPILE_FAILED'));
    await errorOf(release.run());
    release.setRecipe('build', recipe);
    release.middle.set(ID, fails('LICENSE_UNKNOWN'));
    await errorOf(release.run());
    expect(recorded()).toEqual({ status: 'failed', error: 'LICENSE_UNKNOWN was planted' });
  });

  it('that was done, and fails when it is made again, is that of a failure', async () => {
    await release.run();
    release.middle.set(ID, fails('COMPILE_FAILED'));
    await errorOf(release.run({ noCache: true }));
    expect(recorded()).toEqual({ status: 'failed', error: 'COMPILE_FAILED was planted' });
  });
});

describe('the cause of a failed release', () => {
  it('is the error of the program, where there is one', async () => {
    release.middle.set('build:debian-12:arm64', fails('COMPILE_FAILED'));
    const planted = new RangeError('planted');
    release.middle.set('build:debian-13:arm64', () => Promise.reject(planted));
    const error = await errorOf(release.run());
    expect(error.code).toBe('COMPILE_FAILED');
    expect(error.cause).toBe(planted);
  });

  it('is else the first error', async () => {
    release.middle.set('build:debian-12:arm64', fails('COMPILE_FAILED'));
    const { cause } = await errorOf(release.run());
    expect(cause).toMatchObject({ code: 'COMPILE_FAILED', message: 'COMPILE_FAILED was planted' });
  });
});

describe('a check that fails', () => {
  it('is a verdict: the package stays, and is tried again by the next run', async () => {
    release.setRecipe('verify', 'unfit');
    const error = await errorOf(release.run());
    expect(error.code).toBe('VERIFY_FAILED');
    expect(error.message).toMatch(
      /^verify failed for (debian-1[23] (arm64|x86_64)[,:]\s){4}1 check failed\n\n[\s\S]*\ntoy\.fit: unfit of [0-9a-f]{64}/,
    );
    const verified = release.manifest().steps.filter(({ stage }) => stage === 'verify');
    expect(verified.map(({ status }) => status)).toEqual(Array(4).fill('failed'));
    expect(verified[0]?.checks).toHaveLength(1);
    release.performed();
    await errorOf(release.run());
    expect(release.performed()).toHaveLength(4);
    release.setRecipe('verify', 'verify 2');
    await release.run();
    expect(release.performed().map((id) => id.split(':')[0])).toEqual(Array(4).fill('verify'));
    expect(Object.values(statuses())).toEqual(Array(12).fill('done'));
  });
});

describe('a base image that cannot be made', () => {
  it('stops the steps that start from it, and no other', async () => {
    const error = await errorOf(release.run({ missingRoots: ['trixie-arm64'] }));
    expect(error.code).toBe('MIRROR_UNKNOWN');
    // An arm64 package is compiled in the builder's own base image. Only its verification uses the foreign one.
    const left = 'verify:debian-13:arm64';
    expect(Object.keys(statuses()).sort()).toEqual(
      release.plan.steps
        .map(({ id }) => id)
        .filter((id) => id !== left)
        .sort(),
    );
    expect(printed(dir)).toContain(`debian-13 arm64: verify: skipped, needs base:trixie-arm64`);
    release.performed();
    await release.run();
    expect(release.performed()).toEqual([left]);
  });
});
