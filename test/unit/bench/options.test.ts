import { describe, expect, it } from 'vitest';
import { architectureOf, BenchError, newestPackage, parseOptions } from '../../../scripts/bench/options.js';

describe('parseOptions', () => {
  it('uses the defaults without arguments', () =>
    expect(parseOptions([])).toEqual({
      rounds: 60,
      seconds: 5,
      target: 'debian-13',
      deb: undefined,
      portable: undefined,
      metrics: true,
    }));

  it('reads all options', () =>
    expect(
      parseOptions([
        '--rounds',
        '2',
        '--seconds=1.5',
        '--target',
        'debian-12',
        '--deb',
        'a.deb',
        '--portable=b.tar.gz',
        '--no-metrics',
      ]),
    ).toEqual({
      rounds: 2,
      seconds: 1.5,
      target: 'debian-12',
      deb: 'a.deb',
      portable: 'b.tar.gz',
      metrics: false,
    }));

  it('returns undefined for --help', () => expect(parseOptions(['--help'])).toBeUndefined());

  it.each([
    [['--rounds', '1'], /--rounds takes a whole number from 2 to 1000, not "1"/],
    [['--rounds', '2.5'], /whole number/],
    [['--rounds', ''], /not ""/],
    [['--seconds', '0'], /--seconds takes a number from 1 to 240/],
    [['--seconds', 'ten'], /not "ten"/],
    // A permission lasts five minutes, so it would expire during the run.
    [['--seconds', '300'], /from 1 to 240/],
    [['--round', '3'], /--round/],
    [['dist/a.deb'], /dist\/a\.deb/],
  ])('refuses %j', (words, message) => {
    expect(() => parseOptions(words)).toThrow(BenchError);
    expect(() => parseOptions(words)).toThrow(message);
  });
});

describe('newestPackage', () => {
  const target = { label: 'deb13', deb: 'amd64' };
  const files = [
    '4.6.1/coturn_4.6.1+turnbuild-1~deb13_amd64.deb',
    '4.10.0/coturn_4.10.0+turnbuild-9~deb13_amd64.deb',
    '4.10.0/coturn_4.10.0+turnbuild-10~deb13_amd64.deb',
    '4.9.0/coturn_4.9.0+turnbuild-1~deb13_amd64.deb',
    '4.11.0/coturn_4.11.0+turnbuild-1~deb12_amd64.deb',
    '4.11.0/coturn_4.11.0+turnbuild-1~deb13_arm64.deb',
    '4.11.0/coturn-dbgsym_4.11.0+turnbuild-1~deb13_amd64.deb',
    '4.11.0/build/coturn_4.11.0+turnbuild-1~deb13_amd64.deb',
  ];

  it('picks the highest version and revision for the target, compared numerically', () =>
    expect(newestPackage(files, target)).toBe('4.10.0/coturn_4.10.0+turnbuild-10~deb13_amd64.deb'));

  it('returns undefined if the target has no package', () =>
    expect(newestPackage(files, { label: 'deb14', deb: 'amd64' })).toBeUndefined());
});

it('architectureOf maps x64 and arm64, and refuses other architectures', () => {
  expect(architectureOf('x64')).toEqual({ deb: 'amd64', root: 'x86_64' });
  expect(architectureOf('arm64')).toEqual({ deb: 'arm64', root: 'arm64' });
  expect(() => architectureOf('riscv64')).toThrow(BenchError);
});
