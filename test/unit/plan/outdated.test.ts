import { describe, expect, it } from 'vitest';
import {
  coturnState,
  installedSources,
  linkedLibraries,
  machineImageState,
  sourceState,
  taggedImages,
  unknownTargets,
} from '../../../src/plan/outdated.ts';

const openssl = { package: 'openssl', version: '3.0.17-1~deb12u2', suite: 'bookworm' };
const offer = (version: string, suite: string) => ({ package: 'openssl', version, suite });

describe('linkedLibraries', () => {
  it('lists each library once, regardless of the number and order of builds', () => {
    const lines = ['openssl 3.0.17-1 bookworm debian-12', 'hiredis 1.2.0-6 trixie debian-13'];
    const expected = [
      { package: 'hiredis', version: '1.2.0-6', suite: 'trixie' },
      { package: 'openssl', version: '3.0.17-1', suite: 'bookworm' },
    ];
    expect(linkedLibraries([...lines, ...lines])).toEqual(expected);
    expect(linkedLibraries(lines.toReversed())).toEqual(expected);
  });

  it('lists two versions of one library separately', () => {
    expect(linkedLibraries(['openssl 1-1 bookworm', 'openssl 1-2 bookworm'])).toHaveLength(2);
  });
});

describe('sourceState', () => {
  it.each([
    ['the same version', [offer('3.0.17-1~deb12u2', 'bookworm')], { outdated: false, security: false }],
    [
      'an update',
      [offer('3.0.17-1~deb12u3', 'bookworm')],
      { outdated: true, security: false, newest: '3.0.17-1~deb12u3' },
    ],
    [
      'a security update',
      [offer('3.0.17-1~deb12u2', 'bookworm'), offer('3.0.17-1~deb12u3', 'bookworm-security')],
      { outdated: true, security: true, newest: '3.0.17-1~deb12u3', offeredIn: 'bookworm-security' },
    ],
    [
      'a security update that a point release now includes',
      [offer('3.0.17-1~deb12u3', 'bookworm-security'), offer('3.0.17-1~deb12u3', 'bookworm')],
      { outdated: true, security: true, offeredIn: 'bookworm-security' },
    ],
    [
      'a security update that is also in the updates suite',
      [offer('3.0.17-1~deb12u3', 'bookworm-updates'), offer('3.0.17-1~deb12u3', 'bookworm-security')],
      { outdated: true, security: true, offeredIn: 'bookworm-security' },
    ],
    [
      'an update that a point release now includes',
      [offer('3.0.17-1~deb12u3', 'bookworm'), offer('3.0.17-1~deb12u3', 'bookworm-updates')],
      { outdated: true, security: false, offeredIn: 'bookworm-updates' },
    ],
    [
      'an update newer than a security update',
      [offer('3.0.17-1~deb12u3', 'bookworm-security'), offer('3.0.18-1~deb12u1', 'bookworm-updates')],
      { outdated: true, security: true, newest: '3.0.18-1~deb12u1', offeredIn: 'bookworm-updates' },
    ],
    [
      'an old security update',
      [offer('3.0.9-1', 'bookworm-security'), offer('3.0.17-1~deb12u2', 'bookworm')],
      { outdated: false, security: false },
    ],
    ['only older versions', [offer('3.0.9-1', 'bookworm')], { outdated: false }],
    [
      'versions of another release',
      [offer('3.5.4-1', 'trixie'), offer('3.5.4-2', 'trixie-security')],
      { outdated: false, newest: undefined },
    ],
    [
      'a newer version of another library',
      [offer('3.0.17-1~deb12u2', 'bookworm'), { ...offer('9-1', 'bookworm-security'), package: 'zlib' }],
      { outdated: false, newest: '3.0.17-1~deb12u2' },
    ],
    ['nothing', [], { outdated: false, newest: undefined, offeredIn: undefined }],
  ])('compares with an archive that has %s, in any order', (_, offered, expected) => {
    for (const list of [offered, offered.toReversed()])
      expect(sourceState(openssl, list)).toMatchObject({ ...openssl, ...expected });
  });
});

describe('installedSources', () => {
  it('lists the source packages of an image without duplicates, and not coturn', () => {
    const lines = [
      'coturn 4.16.0+turnbuild-1~deb13 coturn 4.16.0+turnbuild-1~deb13',
      'libssl3t64 3.5.1-1+b1 openssl 3.5.1-1',
      'openssl 3.5.1-1 openssl 3.5.1-1',
      'linux-image-6.12.43-cloud-arm64 6.12.43-1 linux-signed-arm64 6.12.43+1',
    ];
    expect(installedSources(lines, 'trixie')).toEqual([
      { package: 'linux-signed-arm64', version: '6.12.43+1', suite: 'trixie' },
      { package: 'openssl', version: '3.5.1-1', suite: 'trixie' },
    ]);
  });
});

describe('machineImageState', () => {
  const image = { image: 'coturn-4.16.0-1-aws-arm64.raw.zst', cloud: 'aws' as const, arch: 'arm64' as const };
  const zlib = { package: 'zlib', version: '1-1', suite: 'bookworm' };
  const own = { package: 'turnbuild-initrd', version: '1', suite: 'bookworm' };
  const offered = [
    offer('3.0.17-1~deb12u3', 'bookworm-security'),
    { ...offer('1-2', 'bookworm'), package: 'zlib' },
  ];
  const states = [openssl, zlib, own, { ...zlib, version: '1-2' }].map((each) => sourceState(each, offered));
  const state = (...sources: (typeof openssl)[]) => machineImageState({ ...image, sources }, states);

  it('lists only the outdated packages of this image, in these versions', () => {
    expect(state(openssl, zlib, own)).toEqual({
      ...{ ...image, compared: 2, packages: states.slice(0, 2), outdated: true, security: true },
    });
    expect(state(zlib)).toMatchObject({ packages: [states[1]], outdated: true, security: false });
    expect(state({ ...zlib, version: '1-2' }, own)).toEqual({
      ...{ ...image, compared: 1, packages: [], outdated: false, security: false },
    });
  });
});

describe('coturnState', () => {
  const advisory = {
    id: 'CVE-1',
    severity: 'high' as const,
    affected: '<4.7.0',
    fixed: '4.7.0',
    summary: 's',
    reference: 'https://example.org/1',
  };

  const shown = {
    id: 'CVE-1',
    severity: 'high',
    fixed: '4.7.0',
    summary: 's',
    reference: 'https://example.org/1',
  };

  it('names the advisories that the newest release fixes', () => {
    expect(coturnState('4.6.1', '4.18.0', [advisory])).toEqual({
      version: '4.6.1',
      newest: '4.18.0',
      outdated: true,
      advisories: [shown],
      fixed: ['CVE-1'],
      remedy: undefined,
    });
  });

  it('names the fixing release for advisories that the newest release does not fix', () => {
    expect(coturnState('4.6.1', '4.6.2', [advisory])).toMatchObject({
      outdated: true,
      advisories: [shown],
      fixed: [],
      remedy: '4.7.0',
    });
  });

  it.each(['4.6.1', '4.5.2'])(
    'is not outdated if the newest release is %s, but still lists its advisories',
    (newest) => {
      expect(coturnState('4.6.1', newest, [advisory])).toMatchObject({
        outdated: false,
        advisories: [shown],
        fixed: [],
        remedy: '4.7.0',
      });
    },
  );

  it('distinguishes fixed, unfixed and unrelated advisories', () => {
    const later = { ...advisory, id: 'CVE-2', fixed: '4.9.0', affected: '<4.9.0' };
    const others = { ...advisory, id: 'CVE-3', fixed: '4.20.0', affected: '>=4.7.0 <4.20.0' };
    expect(coturnState('4.6.1', '4.8.0', [advisory, later, others])).toMatchObject({
      fixed: ['CVE-1'],
      remedy: '4.9.0',
    });
  });

  it('lists no advisories of other versions', () => {
    expect(coturnState('4.7.0', '4.7.0', [advisory])).toMatchObject({ advisories: [], remedy: undefined });
  });

  it('does not propose a remedy that another advisory affects', () => {
    const again = { ...advisory, id: 'CVE-2', fixed: '4.6.5', affected: '<4.6.5 || >=4.7.0 <4.8.0' };
    expect(coturnState('4.6.1', '4.6.1', [advisory, again]).remedy).toBeUndefined();
  });
});

describe('unknownTargets', () => {
  it('lists rpm targets without static libraries, each once', () => {
    const all = [
      { target: 'debian-12', rpm: false, linksIn: false },
      { target: 'portable', rpm: true, linksIn: true },
      { target: 'el9', rpm: true, linksIn: false },
      { target: 'el10', rpm: true, linksIn: false },
      { target: 'el9', rpm: true, linksIn: false },
    ];
    expect(unknownTargets(all)).toEqual(['el10', 'el9']);
  });
});

describe('taggedImages', () => {
  const digest = `sha256:${'ab'.repeat(32)}`;

  it('lists each official image once', () => {
    const bases = [
      { image: `ubuntu:24.04@${digest}` },
      {},
      { image: `debian:trixie-slim@${digest}` },
      { image: `ubuntu:24.04@${digest}` },
    ];
    expect(taggedImages(bases)).toEqual([
      { image: 'debian:trixie-slim', digest },
      { image: 'ubuntu:24.04', digest },
    ]);
  });

  it.each([`example/debian@${digest}`, `registry.example:5000/debian@${digest}`])(
    'omits %s, which has no tag that could move',
    (image) => {
      expect(taggedImages([{ image }])).toEqual([]);
    },
  );

  it('accepts a registry with a port', () => {
    const image = 'registry.example:5000/debian:13';
    expect(taggedImages([{ image: `${image}@${digest}` }])).toEqual([{ image, digest }]);
  });
});
