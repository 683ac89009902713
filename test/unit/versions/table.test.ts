import { describe, expect, it } from 'vitest';
import { byVersion, cellOf, isUnexplained, machineError, matrix } from '../../../scripts/versions/table.js';

const check = (id: string, status: string, more: object = {}) => ({ id, status, message: '', ...more });
const result = (checks: ReturnType<typeof check>[], more: object = {}) => ({
  version: '4.16.0',
  target: 'debian-12',
  arch: 'x86_64',
  seconds: 1,
  key: 'k',
  checks,
  ...more,
});

describe('cellOf', () => {
  it.each([
    ['not tried', undefined],
    ['**not built**', result([], { error: 'configure failed' })],
    ['passes (2)', result([check('a', 'passed'), check('b', 'not-applicable'), check('c', 'passed')])],
    ['1 failed, known', result([check('a', 'accepted', { advisories: ['CVE-1'] })])],
    [
      '1 failed, 1 blocked, known',
      result([check('a', 'failed', { advisories: ['CVE-1'] }), check('b', 'blocked', { blockedBy: 'a' })]),
    ],
    ['**fails**: 2 failed', result([check('a', 'failed', { advisories: ['CVE-1'] }), check('b', 'failed')])],
    ['**fails**: 0 failed, 1 blocked', result([check('b', 'blocked', { blockedBy: 'a' })])],
  ])('is "%s"', (cell, of) => {
    expect(cellOf(of)).toBe(cell);
    expect(of !== undefined && isUnexplained(of)).toBe(cell.startsWith('**'));
  });
});

it('the table has a row per version in numeric order, and marks outdated results', () => {
  const results = [
    result([check('a', 'passed')]),
    result([], { version: '4.9.0', error: 'x' }),
    result([check('a', 'passed')], { arch: 'arm64' }),
  ];
  expect(matrix(results, ({ arch }) => arch === 'x86_64').split('\n')).toEqual([
    '| coturn | debian-12 arm64 | debian-12 x86_64 |',
    '|---|---|---|',
    '| 4.9.0 | not tried | **not built** |',
    '| 4.16.0 | passes (1) † | passes (1) |',
  ]);
  expect(['4.10.0', '4.9.0', '4.6.3'].sort(byVersion)).toEqual(['4.6.3', '4.9.0', '4.10.0']);
});

describe('machineError', () => {
  it.each(['DISK_FULL', 'DOCKER_UNAVAILABLE', 'BUILDX_MISSING', 'INTERRUPTED'])('is %s', (code) =>
    expect(machineError(`turnbuild: no space left\n  [${code}]\n`)).toBe(code),
  );

  it.each(['BUILD_FAILED', 'CHECKS_FAILED'])('is not %s, which is a result', (code) =>
    expect(machineError(`turnbuild: failed\n  [${code}]\n`)).toBeUndefined(),
  );
});
