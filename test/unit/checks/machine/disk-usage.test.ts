import { describe, expect, it } from 'vitest';
import { type DiskEntry, parseOwners } from '../../../../src/checks/machine/disk-facts.ts';
import { diskUsage, usedBytes } from '../../../../src/checks/machine/disk-usage.ts';

const MIB = 1024 ** 2;
const entry = (path: string, bytes: number, more: Partial<DiskEntry> = {}): DiskEntry => ({
  ...{ type: 'f', mode: 0o644, uid: 0, gid: 0, links: 1, modified: 0, link: '' },
  path,
  bytes,
  ...more,
});

describe('diskUsage', () => {
  const owners = parseOwners(
    'perl-base\t/usr/bin/perl\nperl-base\t/usr/bin/perl5\nlibc6\t/lib/libc.so\ntiny\t/etc/tiny\n',
  );

  it('adds up the blocks of each package, the largest first', () => {
    const entries = [
      entry('usr/bin/perl', 4 * MIB, { links: 2 }),
      entry('usr/bin/perl5', 4 * MIB, { links: 2 }),
      entry('usr/lib/libc.so', 5 * MIB + 1),
      entry('etc/tiny', 1),
      entry('etc/link', 20 * MIB, { type: 'l' }),
    ];
    expect(Object.entries(diskUsage({ entries, owners }))).toEqual([
      ['libc6', 5 * MIB + 4096],
      ['perl-base', 4 * MIB],
      ['everything below 1 MiB', 4096],
    ]);
  });

  it('counts small packages together, at the end', () => {
    const many = Array.from({ length: 3 }, (_, index) => ({ name: `small-${index}`, path: `etc/${index}` }));
    const entries = [...many.map(({ path }) => entry(path, MIB / 2)), entry('usr/lib/libc.so', MIB)];
    expect(Object.entries(diskUsage({ entries, owners: [...owners, ...many] }))).toEqual([
      ['libc6', MIB],
      ['everything below 1 MiB', 1.5 * MIB],
    ]);
  });

  it('names what belongs to no package', () => {
    const entries = [
      entry('usr/bin/turn-agent', 7 * MIB),
      entry('var/lib/dpkg/status', 2 * MIB),
      entry('usr/lib/udev/hwdb.bin', 3 * MIB),
      entry('srv/x', MIB),
    ];
    expect(diskUsage({ entries, owners })).toEqual({
      'turn-agent': 7 * MIB,
      'hardware database': 3 * MIB,
      'package database': 2 * MIB,
      'other files': MIB,
    });
  });
});

describe('usedBytes', () => {
  const disk = new Map([
    ['blocks', '1000'],
    ['free', '700'],
    ['overhead', '100'],
    ['block-bytes', '4096'],
  ]);

  it("does not count ext4's own structures", () => {
    expect(usedBytes({ disk })).toBe(200 * 4096);
  });

  it('is unknown if a figure is missing', () => {
    expect(usedBytes({ disk: new Map([...disk].slice(1)) })).toBeUndefined();
    expect(usedBytes({ disk: new Map() })).toBeUndefined();
  });
});
