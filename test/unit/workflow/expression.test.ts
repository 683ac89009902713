import { describe, expect, it } from 'vitest';
import { evaluate, interpolate, isDue } from '../../../scripts/workflow/expression.js';

const contexts = (status = 'success') => ({
  status,
  values: {
    inputs: { arch: 'arm64', images: true, empty: '', 'runner-arm64': 'arm' },
    vars: {},
    needs: { a: { outputs: { x: 'true' } } },
  },
});
const value = (expression: string) => evaluate(expression, contexts());

describe('evaluate', () => {
  it.each([
    ["inputs.arch == 'ARM64'", true],
    ["inputs.arch != 'arm64'", false],
    ["inputs.arch == 'arm64' && inputs.runner-arm64 || 'x'", 'arm'],
    ["inputs.empty || 'x'", 'x'],
    ['!inputs.images', false],
    ["!(inputs.images && inputs.empty == '')", false],
    ["needs.a.outputs.x == 'true'", true],
    ["format('a-{0}-{1}', inputs.arch, 'it''s')", "a-arm64-it's"],
    ["fromJSON('[1]')", [1]],
    ['vars.MISSING', ''],
  ])('%s', (expression, expected) => expect(value(expression)).toEqual(expected));

  it.each([
    ['an unknown property', 'inputs.architecture'],
    ['an unknown context', 'matrix.arch'],
    ['an unknown function', "hashFiles('x')"],
    ['a property of a text', 'inputs.arch.length'],
    ['an unknown operator', 'inputs.arch > 1'],
    ['an unfinished expression', 'inputs.arch =='],
    ['two expressions', 'inputs.arch inputs.arch'],
    ['a comparison of two types', "inputs.images == 'true'"],
  ])('refuses %s', (_, expression) => expect(() => value(expression)).toThrow());
});

it('interpolate keeps the type of a single expression', () => {
  expect(interpolate(`\${{ inputs.images }}`, contexts())).toBe(true);
  expect(interpolate(`a \${{ inputs.arch }} \${{ inputs.images }}`, contexts())).toBe('a arm64 true');
  expect(() => interpolate(`x \${{ fromJSON('[]') }}`, contexts())).toThrow('cannot become text');
});

it('a condition without a status function requires success', () => {
  expect(isDue(undefined, contexts('failure'))).toBe(false);
  expect(isDue('inputs.images', contexts('failure'))).toBe(false);
  expect(isDue('inputs.images', contexts())).toBe(true);
  expect(isDue('failure()', contexts('failure'))).toBe(true);
  expect(isDue(`\${{ !cancelled() }}`, contexts('failure'))).toBe(true);
});
