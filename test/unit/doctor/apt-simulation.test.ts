import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import {
  describeChanges,
  disturbances,
  parseDownloadSize,
  parseSimulation,
} from '../../../src/doctor/apt-simulation.ts';

/** Recorded output of apt 2.6 (Debian 12) or, for `reinstall`, 3.0. */
const captured = (name: string) =>
  readFileSync(new URL(`../../fixtures/apt-simulations/${name}.txt`, import.meta.url), 'utf8');
const line = (text: string) =>
  parseSimulation(`${text}\n0 upgraded, 1 newly installed, 0 to remove and 0 not upgraded.\n`);

describe('parseSimulation', () => {
  it('reads new packages with the releases that they come from', () => {
    const changes = parseSimulation(captured('docker-from-trixie'));
    expect(changes).toHaveLength(15);
    expect(changes.every(({ kind }) => kind === 'install')).toBe(true);
    expect(changes.find(({ name }) => name === 'runc')).toEqual({
      kind: 'install',
      name: 'runc',
      to: '1.1.5+ds1-1+deb12u1',
      origins: ['Debian:12.15/oldstable', 'Debian-Security:12/oldstable-security'],
    });
    expect(changes.find(({ name }) => name === 'docker.io')?.origins).toEqual(['Debian:13.8/stable']);
    expect(disturbances(changes)).toEqual([]);
  });

  it('distinguishes upgrades from new packages', () => {
    expect(disturbances(parseSimulation(captured('upgrades')))).toEqual([
      'would upgrade base-files 12.4+deb12u15 -> 13.8+deb13u8',
      'would upgrade libc6 2.36-9+deb12u14 -> 2.41-12+deb13u5',
      'would upgrade libc-bin 2.36-9+deb12u14 -> 2.41-12+deb13u5',
    ]);
  });

  it('reads removals and reinstallations', () => {
    expect(disturbances(parseSimulation(captured('remove')))).toEqual([
      expect.stringMatching(/^would remove nodejs 20\./),
    ]);
    expect(disturbances(parseSimulation(captured('reinstall')))).toEqual(['would reinstall hostname 3.25']);
  });

  it('reads packages of another architecture', () => {
    const names = parseSimulation(captured('foreign-architecture')).map(({ name }) => name);
    expect(names).toEqual(['gcc-12-base:arm64', 'libgcc-s1:arm64', 'libc6:arm64']);
    const upgrade = `Inst libc6:arm64 [2.36-9] (2.41-1 Debian:13/stable [arm64]) [libc-bin:arm64 ]
1 upgraded, 0 newly installed, 0 to remove and 0 not upgraded.`;
    expect(disturbances(parseSimulation(upgrade))).toEqual(['would upgrade libc6:arm64 2.36-9 -> 2.41-1']);
  });

  it('reads downgrades and purges', () => {
    const text = `Inst tzdata [2026a-1] (2025b-0+deb12u1 Debian:12/oldstable [all])
Purg e2fsprogs [1.47.0-2]
0 upgraded, 0 newly installed, 1 downgraded, 1 to remove and 0 not upgraded.`;
    expect(disturbances(parseSimulation(text))).toEqual([
      'would downgrade tzdata 2026a-1 -> 2025b-0+deb12u1',
      'would remove e2fsprogs 1.47.0-2',
    ]);
  });

  it('accepts a package from a local file, which has no archive', () => {
    expect(line('Inst own (1.0 [amd64])')).toEqual([
      { kind: 'install', name: 'own', to: '1.0', origins: [] },
    ]);
  });

  it.each([
    ['a line of unknown format', 'Inst libc6 {2.36} (2.41 Debian:13/stable [amd64])'],
    ['a removal without a version', 'Remv libc6'],
    ['a change that the summary does not count', 'Inst a (1 [amd64])\nInst b (1 [amd64])'],
    ['a summary without its changes', ''],
  ])('refuses %s', (_, text) => {
    expect(() => line(text)).toThrow(expect.objectContaining({ code: 'APT_OUTPUT_UNKNOWN' }));
  });

  it('refuses output without a summary, which may be truncated', () => {
    const cut = captured('upgrades').replace(/^\d+ upgraded.*$/m, '');
    expect(() => parseSimulation(cut)).toThrow(expect.objectContaining({ code: 'APT_OUTPUT_UNKNOWN' }));
    expect(() => parseSimulation('')).toThrow(expect.objectContaining({ code: 'APT_OUTPUT_UNKNOWN' }));
  });

  it('refuses a real upgrade with any garbled line', () => {
    const text = captured('upgrades');
    for (const garbled of text.split('\n').filter((each) => each.startsWith('Inst')))
      expect(() => parseSimulation(text.replace(garbled, garbled.replace('(', '<')))).toThrow(
        /Cannot parse the output of apt-get -s: /,
      );
  });
});

describe('the preview of an installation', () => {
  it('lists names, versions, releases and the size of the download', () => {
    expect(parseDownloadSize(captured('uris'))).toBe(267204);
    const lines = describeChanges(parseSimulation(captured('docker-from-trixie')), 52_345_678);
    expect(lines[0]).toMatch(/^15 new packages, 52\.3 MB to download/);
    expect(lines[1]).toMatch(/^ {2}containerd +1\.7\.24~ds1-6\+deb13u1 +Debian 13\.8 \(stable\)$/);
    expect(lines).toHaveLength(16);
  });
});
