import { describe, expect, it } from 'vitest';
import { architectureOf, BenchError, newestPackage, parseOptions } from '../../../scripts/bench/options.js';

describe('parseOptions', () => {
  it('knows what to do without a word', () =>
    expect(parseOptions([])).toEqual({
      rounds: 60,
      seconds: 5,
      target: 'debian-13',
      deb: undefined,
      portable: undefined,
      metrics: true,
    }));

  it('reads all of them', () =>
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

  it('asks for help with nothing else', () => expect(parseOptions(['--help'])).toBeUndefined());

  it.each([
    [['--rounds', '1'], /--rounds takes a whole number from 2 to 1000, not "1"/],
    [['--rounds', '2.5'], /whole number/],
    [['--rounds', ''], /not ""/],
    [['--seconds', '0'], /--seconds takes a number from 1 to 240/],
    [['--seconds', 'ten'], /not "ten"/],
    // A permission, which lasts five minutes, would expire during the run.
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

  it('is the highest version and revision, by number, of this target', () =>
    expect(newestPackage(files, target)).toBe('4.10.0/coturn_4.10.0+turnbuild-10~deb13_amd64.deb'));

  it('is none where there is none', () =>
    expect(newestPackage(files, { label: 'deb14', deb: 'amd64' })).toBeUndefined());
});

it('architectureOf names what packages are built for, and refuses the rest', () => {
  expect(architectureOf('x64')).toEqual({ deb: 'amd64', root: 'x86_64' });
  expect(architectureOf('arm64')).toEqual({ deb: 'arm64', root: 'arm64' });
  expect(() => architectureOf('riscv64')).toThrow(BenchError);
});
