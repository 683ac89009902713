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
  it('stops only its own package and leaves no partial output', async () => {
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

  it('is reported with the other failures, under the code of the first one', async () => {
    release.middle.set('build:debian-12:arm64', fails('COMPILE_FAILED'));
    release.middle.set('package:debian-13:x86_64', fails('LICENSE_UNKNOWN'));
    const error = await errorOf(release.run({ jobs: 1 }));
    expect(error.code).toBe('COMPILE_FAILED');
    expect(error.message).toBe(
      'build failed for debian-12 arm64:\nCOMPILE_FAILED was planted\n\npackage failed for debian-13 x86_64:\nLICENSE_UNKNOWN was planted',
    );
  });

  it('is reported once, with the names of all packages that failed for the same reason', async () => {
    for (const { id } of release.plan.steps.filter(({ stage }) => stage === 'build'))
      release.middle.set(id, fails('COMPILE_FAILED'));
    const { message } = await errorOf(release.run({ jobs: 1 }));
    expect(message.match(/COMPILE_FAILED was planted/g)).toHaveLength(1);
    for (const name of ['debian-12 arm64', 'debian-12 x86_64', 'debian-13 arm64', 'debian-13 x86_64'])
      expect(message).toContain(name);
  });

  it('invalidates its earlier results and those of the steps after it', async () => {
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

  it('with an unexpected error is recorded as failed, and the run throws that error', async () => {
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
    ['with the same inputs', 'build 1'],
    ['with other inputs', 'build 2'],
  ])('has the latest error if the step fails again %s', async (_, recipe) => {
    release.middle.set(ID, fails('COMPILE_FAILED'));
    await errorOf(release.run());
    release.setRecipe('build', recipe);
    release.middle.set(ID, fails('LICENSE_UNKNOWN'));
    await errorOf(release.run());
    expect(recorded()).toEqual({ status: 'failed', error: 'LICENSE_UNKNOWN was planted' });
  });

  it('becomes that of a failure if a finished step fails when repeated', async () => {
    await release.run();
    release.middle.set(ID, fails('COMPILE_FAILED'));
    await errorOf(release.run({ noCache: true }));
    expect(recorded()).toEqual({ status: 'failed', error: 'COMPILE_FAILED was planted' });
  });
});

describe('the cause of a failed release', () => {
  it('is the unexpected error, if there is one', async () => {
    release.middle.set('build:debian-12:arm64', fails('COMPILE_FAILED'));
    const planted = new RangeError('planted');
    release.middle.set('build:debian-13:arm64', () => Promise.reject(planted));
    const error = await errorOf(release.run());
    expect(error.code).toBe('COMPILE_FAILED');
    expect(error.cause).toBe(planted);
  });

  it('is the first error otherwise', async () => {
    release.middle.set('build:debian-12:arm64', fails('COMPILE_FAILED'));
    const { cause } = await errorOf(release.run());
    expect(cause).toMatchObject({ code: 'COMPILE_FAILED', message: 'COMPILE_FAILED was planted' });
  });
});

describe('a check that fails', () => {
  it('fails the verification, which the next run repeats without repackaging', async () => {
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

describe('a base image that cannot be built', () => {
  it('blocks only the steps that use it', async () => {
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
