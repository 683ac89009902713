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

  it('returns the native base image of the same release', () =>
    expect(lenderOf(foreign, [...others, own], 'x86_64')).toBe(own));

  it('returns a base image of the same archive', () => {
    const lender = base('noble', 'x86_64', ubuntu);
    const bases = [base('noble', 'x86_64'), lender];
    expect(lenderOf(base('noble', 'arm64', ubuntu), bases, 'x86_64')).toBe(lender);
  });

  it.each<[string, PlannedBase, PlannedBase[]]>([
    ['a foreign base image without a native counterpart', foreign, others],
    ['a native base image', own, [...others, own]],
    ['an image from a registry', { ...foreign, image: 'debian@sha256:1' }, [own]],
  ])('returns nothing for %s', (_, base, bases) => expect(lenderOf(base, bases, 'x86_64')).toBeUndefined());
});

it('installedPackages lists only packages whose dpkg status is "install ok installed"', () => {
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

it('engineImage tags a base image with the first 12 digits of its digest', () => {
  const name = (digit: string) => engineImage(base('trixie', 'arm64'), `sha256:${digit.repeat(64)}`);
  expect(name('a')).toBe('turnbuild/trixie-arm64:aaaaaaaaaaaa');
  expect(name('b')).not.toBe(name('a'));
});
