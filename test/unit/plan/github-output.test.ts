import { expect, it } from 'vitest';
import { githubOutput, matrixOf } from '../../../src/plan/github-output.ts';

it('writes outputs as lines, and lists as JSON', () =>
  expect(githubOutput({ due: true, version: '4.18.0', matrix: [{ arch: 'arm64' }] })).toBe(
    'due=true\nversion=4.18.0\nmatrix=[{"arch":"arm64"}]\n',
  ));

it('refuses a line break, which would set another output', () =>
  expect(() => githubOutput({ reason: 'a\ndue=true' })).toThrow('line break'));

it('lists each package of a plan once', () => {
  const step = (target: string, arch: string) => ({ target, arch });
  const steps = [step('a', 'arm64'), step('a', 'arm64'), step('a', 'x86_64'), step('b', 'arm64')];
  expect(matrixOf(steps)).toEqual([step('a', 'arm64'), step('a', 'x86_64'), step('b', 'arm64')]);
});
