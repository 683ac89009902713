import { describe, expect, it } from 'vitest';
import { parseOptions } from '../../../scripts/bench/machine/options.js';
import { BenchError } from '../../../scripts/bench/options.js';

describe('parseOptions of bench:image', () => {
  it('measures everything for the foreign architecture without arguments', () => {
    const parts = ['root', 'disk', 'boot', 'configuration'];
    expect(parseOptions([], 'x86_64')).toEqual({ parts, arch: 'arm64', rounds: 3 });
    expect(parseOptions([], 'arm64')).toEqual({ parts, arch: 'x86_64', rounds: 3 });
  });

  it('measures only the named parts, in the usual order', () =>
    expect(parseOptions(['boot', '--rounds', '5', 'root'], 'x86_64')).toEqual({
      parts: ['root', 'boot'],
      arch: 'arm64',
      rounds: 5,
    }));

  it("boots images of the machine's own architecture", () =>
    expect(parseOptions(['boot', '--arch=x86_64'], 'x86_64')).toMatchObject({ arch: 'x86_64' }));

  it('returns undefined for --help', () => expect(parseOptions(['-h'], 'x86_64')).toBeUndefined());

  it.each([
    [['boots'], /Unknown part "boots"/],
    [['--arch', 'riscv64'], /--arch takes arm64 or x86_64, not "riscv64"/],
    [['--arch', 'x86_64'], /"root" compares with QEMU/],
    [['disk', '--arch', 'x86_64'], /"disk" compares with QEMU/],
    [['--rounds', '0'], /from 1 to 99, not "0"/],
    [['--rounds', '1.5'], /not "1.5"/],
    [['--round', '3'], /--round/],
  ])('refuses %j', (words, message) => {
    expect(() => parseOptions(words, 'x86_64')).toThrow(BenchError);
    expect(() => parseOptions(words, 'x86_64')).toThrow(message);
  });
});
