import { describe, expect, it } from 'vitest';
import { renderOutdated } from '../../../src/ui/outdated.ts';

const coturn = {
  version: '4.6.1',
  newest: '4.6.1',
  outdated: false,
  advisories: [],
  fixed: [],
  remedy: undefined,
  where: 'Debian',
};
const library = {
  package: 'openssl',
  version: '3.0.17-1~deb12u2',
  suite: 'bookworm',
  newest: '3.0.17-1~deb12u2',
  offeredIn: 'bookworm',
  outdated: false,
  security: false,
};
const advisory = (id: string, severity: 'critical' | 'high' | 'low', fixed: string) => ({
  id,
  severity,
  fixed,
  summary: 's',
  reference: 'https://example.org/1',
});
const advisories = [
  advisory('CVE-2026-43994', 'critical', '4.10.0'),
  advisory('CVE-2026-1', 'high', '4.9.0'),
  advisory('coturn-2043', 'low', '4.18.0'),
];
const render = (found: Partial<Parameters<typeof renderOutdated>[0]>, columns = 80) =>
  renderOutdated(
    { coturn, libraries: [library], images: [], machineImages: [], unknown: [], ...found },
    columns,
  );

describe('renderOutdated', () => {
  it('prints a table, and says that everything is up to date', () => {
    expect(render({})).toBe(`         BUILT             NEWEST            IN
coturn   4.6.1             4.6.1             Debian    up to date
openssl  3.0.17-1~deb12u2  3.0.17-1~deb12u2  bookworm  up to date

Everything is up to date.
`);
  });

  it('names due updates and the commands for them', () => {
    const text = render(
      {
        coturn: {
          ...coturn,
          newest: '4.18.0',
          outdated: true,
          advisories,
          fixed: advisories.map(({ id }) => id),
          where: 'GitHub',
        },
        libraries: [
          {
            ...library,
            outdated: true,
            security: true,
            newest: '3.0.17-1~deb12u3',
            offeredIn: 'bookworm-security',
          },
          { ...library, package: 'zlib', newest: undefined, offeredIn: undefined },
        ],
      },
      100,
    );
    expect(text).toMatch(/GitHub +security update/);
    expect(text).toMatch(/bookworm-security +security update/);
    expect(text).toContain('no longer in the archive');
    expect(text).toContain('turnbuild release 4.18.0\n');
    expect(text).toContain('turnbuild release 4.6.1 --revision auto');
    expect(text).not.toContain('A rebuild would not fix');
  });

  it('lists known vulnerabilities with severity and fix if no rebuild helps', () => {
    expect(
      render({ coturn: { ...coturn, advisories, remedy: '4.18.0' } }),
    ).toBe(`         BUILT             NEWEST            IN
coturn   4.6.1             4.6.1             Debian    vulnerable
openssl  3.0.17-1~deb12u2  3.0.17-1~deb12u2  bookworm  up to date

Known vulnerabilities of coturn 4.6.1 (3) and the release that fixes each:
  critical  CVE-2026-43994  4.10.0    low       coturn-2043     4.18.0
  high      CVE-2026-1      4.9.0

A rebuild would not fix the known vulnerabilities of coturn 4.6.1. Debian has no
newer release. All are fixed in 4.18.0:
  turnbuild release 4.18.0 --source github
`);
  });

  it.each([
    [
      'a newer release without known vulnerabilities',
      { outdated: true, newest: '4.18.0' },
      {},
      'newer release',
      'up to date',
    ],
    ['a newer version of a library', {}, { outdated: true, newest: '9' }, 'up to date', 'newer version'],
  ])('distinguishes %s from a security update', (_, coturnState, libraryState, aboutCoturn, aboutLibrary) => {
    const text = render({
      coturn: { ...coturn, ...coturnState },
      libraries: [{ ...library, ...libraryState }],
    });
    expect(text).toMatch(new RegExp(`^coturn .* ${aboutCoturn}$`, 'm'));
    expect(text).toMatch(new RegExp(`^openssl .* ${aboutLibrary}$`, 'm'));
    expect(text).not.toContain('Everything is up to date');
  });

  it('says that a rebuild fixes no vulnerabilities of coturn, and names no release if none fixes them', () => {
    const text = render({ coturn: { ...coturn, advisories }, libraries: [{ ...library, outdated: true }] });
    expect(text.replaceAll('\n', ' ')).toContain(
      'The rebuild does not fix the known vulnerabilities of coturn 4.6.1.',
    );
    expect(text).not.toContain('All are fixed');
    expect(text).not.toContain('undefined');
  });

  it('uses one line for each component if it fits exactly, else two', () => {
    const width = 65;
    expect(render({}, width)).toMatch(/^openssl .* bookworm {2}up to date$/m);
    expect(render({}, width).split('\n')[2]).toHaveLength(width);
    expect(render({}, width - 1)).toMatch(
      /IN\ncoturn .* Debian\n {2}up to date\nopenssl .* bookworm\n {2}up to date\n\n/,
    );
  });

  it('says how many vulnerabilities the newest release fixes', () => {
    const state = { ...coturn, newest: '4.10.0', outdated: true, advisories, where: 'GitHub' };
    const text = render({ coturn: { ...state, fixed: ['CVE-2026-43994', 'CVE-2026-1'], remedy: '4.18.0' } });
    expect(text).toContain('coturn 4.10.0 fixes 2 of the 3 known vulnerabilities. All are fixed in 4.18.0:');
    expect(text).toContain('  turnbuild release 4.18.0\n');
  });

  const image = {
    image: 'debian:trixie-slim',
    digest: `sha256:${'ab'.repeat(32)}`,
    newest: `sha256:${'cd'.repeat(32)}`,
  };

  it('names newer base images and the command to update them', () => {
    const text = render({ images: [{ ...image, outdated: true }] });
    expect(text).toMatch(/^debian:trixie-slim +abababababab +cdcdcdcdcdcd +registry +newer image$/m);
    expect(text).toContain('  turnbuild release 4.6.1 --refresh-base --update-lock\n');
    expect(text).not.toContain('Everything is up to date');
  });

  it('says whether an image is up to date, or that its registry was not reached', () => {
    const current = render({ images: [{ ...image, newest: image.digest, outdated: false }] });
    expect(current).toMatch(/^debian:trixie-slim .* abababababab +registry +up to date$/m);
    expect(current).toContain('Everything is up to date.');
    const silent = render({ images: [{ ...image, newest: undefined, outdated: false }] }, 100);
    expect(silent).toMatch(/^debian:trixie-slim .* - +registry +registry not reached$/m);
    expect(silent).not.toContain('--refresh-base');
  });

  const openssl = { ...library, version: '3.5.1-1', suite: 'trixie', newest: '3.5.1-1+deb13u1' };
  const update = { ...openssl, offeredIn: 'trixie-security', outdated: true, security: true };
  const machine = (cloud: 'aws' | 'gce', packages = [update]) => ({
    ...{
      image: `coturn-4.6.1-1-${cloud}-arm64.raw.zst`,
      cloud,
      arch: 'arm64' as const,
      compared: 90,
      packages,
    },
    ...{ outdated: packages.length > 0, security: packages.length > 0 },
  });

  it('lists the outdated packages of machine images with the images, and the command to build these', () => {
    const text = render({ machineImages: [machine('aws'), machine('gce')] }, 120);
    expect(text).toMatch(
      /^openssl +3\.5\.1-1 +3\.5\.1-1\+deb13u1 +trixie-security +security update for aws arm64, gce arm64$/m,
    );
    expect(text).toContain(
      'Machine images have outdated packages. Build them again:\n  turnbuild image 4.6.1 --cloud aws,gce --arch arm64\n',
    );
    expect(text).not.toContain('Everything is up to date');
  });

  it('distinguishes machine images that are up to date', () => {
    const one = render({ machineImages: [machine('aws'), machine('gce', [])] }, 120);
    expect(one).toMatch(/^image gce arm64 +90 source packages +up to date$/m);
    expect(one).toContain('A machine image has outdated packages. Build it again:\n');
    expect(one).toContain('  turnbuild image 4.6.1 --cloud aws --arch arm64\n');
    expect(render({ machineImages: [machine('gce', [])] })).toContain('Everything is up to date.');
  });

  it('refers to the distribution if nothing is statically linked', () => {
    expect(render({ libraries: [] })).toContain('the distribution updates the libraries');
  });

  it('says that libraries of rpm distributions are not checked', () => {
    expect(render({ unknown: ['el9'] }).replaceAll('\n', ' ')).toContain(
      'Not checked: the libraries of el9. turnbuild does not look up updates of rpm distributions.',
    );
    expect(render({})).not.toContain('Not checked');
  });

  it('fits 80 columns', () => {
    const columns = 80;
    const long = {
      package: 'libmicrohttpd',
      version: '0.9.75-6+deb12u1~bpo',
      newest: '0.9.75-6+deb12u2~bpo',
    };
    const libraries = [{ ...library, ...long, outdated: true, security: true, offeredIn: 'bookworm-sec' }];
    const text = render(
      { coturn: { ...coturn, advisories, remedy: '4.18.0' }, libraries, unknown: ['el9'] },
      columns,
    );
    expect(text.split('\n').filter((line) => line.length > columns)).toEqual([]);
    expect(text).toContain('security update');
  });
});
