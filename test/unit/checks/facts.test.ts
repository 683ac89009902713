import { describe, expect, it } from 'vitest';
import { parseFacts, recordedSamples } from '../../../src/checks/facts.ts';

it('parseFacts keeps tabs in values', () =>
  expect([...parseFacts('install.exit\t0\ninstall.tables\ta\tb\n\n')]).toEqual([
    ['install.exit', '0'],
    ['install.tables', 'a\tb'],
  ]));

it.each(['0', '1'])(
  'parseFacts refuses a second value of a fact, which the package may have written: %s',
  (value) =>
    expect(() => parseFacts(`install.exit\t1\nshipped.stop\t0\ninstall.exit\t${value}\n`)).toThrow(
      /facts\.txt lists "install\.exit" twice/,
    ),
);

describe('samples for a manifest', () => {
  it('map each series to its value', () =>
    expect(recordedSamples('# TYPE a gauge\na 1\nb{c="d"} 2.5\n')).toEqual({ a: 1, 'b{c="d"}': 2.5 }));

  it('omit series with overlong names, and values that JSON cannot represent', () =>
    expect(
      recordedSamples(`a NaN\nb +Inf\nc{d="${'x'.repeat(293)}"} 1\ne{f="${'x'.repeat(294)}"} 1\n`),
    ).toEqual({ [`c{d="${'x'.repeat(293)}"}`]: 1 }));

  it('are limited to 1,000 series', () => {
    const many = Array.from({ length: 1001 }, (_, index) => `a{b="${index}"} 1`);
    expect(Object.keys(recordedSamples(many.join('\n')))).toHaveLength(1000);
  });
});
