import { describe, expect, it } from 'vitest';
import { engineImage, installedPackages, lenderOf } from '../../../src/plan/bases.ts';
import type { PlannedBase } from '../../../src/plan/types.ts';
import type { Archive } from '../../../src/recipe/schema.ts';
import { target } from '../../support/plan-facts.ts';

const ubuntu: Pick<PlannedBase, 'archive'> = { archive: target('ubuntu-24.04').archive as Archive };
const base = (suite: string, arch: PlannedBase['arch'], more: Partial<PlannedBase> = {}): PlannedBase => ({
  ...{ id: `${suite}-${arch}`, suite, arch },
  ...more,
});

describe('lenderOf', () => {
  const foreign = base('trixie', 'arm64');
  const own = base('trixie', 'x86_64');
  const others = [
    base('bookworm', 'x86_64'),
    base('trixie', 'arm64', { id: 'other' }),
    { ...own, id: 'image', image: 'debian@sha256:1' },
    { ...own, id: 'same suite of another archive', ...ubuntu },
  ];

  it('is the base image of the same release that runs here', () =>
    expect(lenderOf(foreign, [...others, own], 'x86_64')).toBe(own));

  it('is of the same archive, where that is not Debian', () => {
    const lender = base('noble', 'x86_64', ubuntu);
    const bases = [base('noble', 'x86_64'), lender];
    expect(lenderOf(base('noble', 'arm64', ubuntu), bases, 'x86_64')).toBe(lender);
  });

  it.each<[string, PlannedBase, PlannedBase[]]>([
    ['no such base image', foreign, others],
    ['no need, because it runs here', own, [...others, own]],
    ['nothing to make: it comes from a registry', { ...foreign, image: 'debian@sha256:1' }, [own]],
  ])('is none where there is %s', (_, base, bases) =>
    expect(lenderOf(base, bases, 'x86_64')).toBeUndefined(),
  );
});

it('what is installed in a base image are the packages that dpkg has configured, and no other that it knows', () => {
  const paragraph = (name: string, status: string, version: string) =>
    `Package: ${name}\nStatus: ${status}\nMaintainer: Package: me\nVersion: ${version}\nDescription: x\n more\n`;
  const status = [
    paragraph('libc6', 'install ok installed', '2.41-12'),
    paragraph('removed', 'deinstall ok config-files', '1-1'),
    paragraph('broken', 'install ok half-configured', '1-2'),
    'Package: known\n',
    paragraph('openssl', 'install ok installed', '3.5.4-1'),
  ].join('\n');
  expect(installedPackages(`${status}\n`)).toEqual({ libc6: '2.41-12', openssl: '3.5.4-1' });
  expect(installedPackages('')).toEqual({});
});

it('a base image has a name of its own for other content: short, without the name of the algorithm', () => {
  const name = (digit: string) => engineImage(base('trixie', 'arm64'), `sha256:${digit.repeat(64)}`);
  expect(name('a')).toBe('turnbuild/trixie-arm64:aaaaaaaaaaaa');
  expect(name('b')).not.toBe(name('a'));
});
