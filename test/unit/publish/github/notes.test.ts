import { describe, expect, it } from 'vitest';
import type { Manifest } from '../../../../src/manifest/schema.ts';
import { releaseNotes } from '../../../../src/publish/github/notes.ts';
import type { PackageGroup } from '../../../../src/publish/packages.ts';

const DIGEST = 'd'.repeat(64);
const check = (id: string, status: string, figures = {}) => ({
  id,
  status,
  figures,
  title: '',
  reason: '',
  message: '',
});

const MANIFEST = {
  turnbuild: '0.1.0',
  coturn: { version: '4.18.0', revision: 2, epoch: 0 },
  packageVersion: '4.18.0+turnbuild-2',
  advisories: [
    {
      ...{ id: 'CVE-2026-1', severity: 'high', fixed: '4.19.0', reference: 'https://example.org/1' },
      summary: 'A [crash] with <b>.',
    },
  ],
  steps: [
    {
      id: 'build',
      target: 'portable',
      arch: 'arm64',
      facts: { linked: ['openssl 3.0.17-1 bookworm debian-12'] },
    },
    { id: 'package', target: 'portable', arch: 'arm64' },
    {
      ...{ id: 'verify', target: 'portable', arch: 'arm64' },
      checks: [
        check('stun', 'passed'),
        check('capacity.ports', 'passed', { 'resident bytes per allocation': 12_390 }),
        check('drain', 'accepted'),
        check('sanitizer', 'cannot-here'),
        check('x', 'not-applicable'),
      ],
    },
  ],
} as unknown as Manifest;
const GROUPS = [{ target: 'portable', arch: 'arm64', accepted: ['CVE-2026-1'] }] as unknown as PackageGroup[];
const FILES = [
  'coturn-4.18.0+turnbuild-2.x86_64.rpm',
  'coturn-4.18.0+turnbuild-2.src.rpm',
  'coturn_4.18.0_arm64.deb',
  'coturn-dbgsym_4.18.0_arm64.deb',
];
const INPUT = {
  manifest: MANIFEST,
  digest: DIGEST,
  groups: GROUPS,
  files: FILES,
  previous: undefined,
  key: undefined,
};

describe('the notes of a release', () => {
  it('say what changed, what was verified, and how to install and verify it', () => {
    const previous = {
      release: '4.17.0+turnbuild-3',
      marker: {
        release: '4.17.0+turnbuild-3',
        manifest: '',
        libraries: { openssl: ['3.0.16-1'], hiredis: ['1.0'] },
      },
    };
    expect(
      releaseNotes({ ...INPUT, previous, key: 'F'.repeat(40) }),
    ).toBe(`coturn 4.18.0, package revision 2 (\`4.18.0+turnbuild-2\`), built and verified by turnbuild 0.1.0.

### Changes since 4.17.0+turnbuild-3

- coturn 4.17.0 -> 4.18.0
- hiredis (statically linked) 1.0 -> not linked
- openssl (statically linked) 3.0.16-1 -> 3.0.17-1

### Statically linked libraries

- openssl 3.0.17-1

### Accepted advisories

Some checks failed because of these known advisories, which were accepted for this release.

- [CVE-2026-1](https://example.org/1) (high): A \\[crash\\] with &lt;b>. Fixed in coturn 4.19.0.

### Verification

Each package was installed and exercised with real traffic. \`report.html\` has every check.

| Target | Architecture | Checks passed | Failures accepted | Checks not run | Memory per allocation |
| --- | --- | ---: | ---: | ---: | ---: |
| portable | arm64 | 2 | 1 | 1 | 12.1 KiB |

### Install

Debian and Ubuntu: download the \`.deb\` for your release and architecture, and

    apt-get install ./coturn_4.18.0_arm64.deb

RHEL and compatible distributions: download the \`.rpm\` for your architecture, and

    dnf install ./coturn-4.18.0+turnbuild-2.x86_64.rpm

### Verify a download

In the folder with the files, \`SHA256SUMS\`, \`SHA256SUMS.asc\` and \`key.asc\`:

    gpg --import key.asc
    gpg --verify SHA256SUMS.asc SHA256SUMS
    sha256sum --check --ignore-missing SHA256SUMS

The signing key's fingerprint is \`${'F'.repeat(40)}\`. Compare it with one that you got from the publisher in another way: anyone who can replace the files can also replace \`key.asc\` and these notes.

<!-- turnbuild {"release":"4.18.0+turnbuild-2","manifest":"${DIGEST}","libraries":{"openssl":["3.0.17-1"]}} -->
`);
  });

  it('name a new revision of the same version', () => {
    const previous = { release: '4.18.0+turnbuild-1', marker: undefined };
    expect(releaseNotes({ ...INPUT, previous })).toContain(
      '### Changes since 4.18.0+turnbuild-1\n\n- Package revision 1 -> 2 of the same coturn version\n\n### Statically',
    );
  });

  it('list the statically linked libraries of a first release', () => {
    const notes = releaseNotes(INPUT);
    expect(notes).not.toContain('Changes');
    expect(notes).toContain('### Statically linked libraries\n\n- openssl 3.0.17-1\n\n');
  });

  it('list them although they have not changed', () => {
    const marker = { release: '4.18.0+turnbuild-1', manifest: '', libraries: { openssl: ['3.0.17-1'] } };
    const notes = releaseNotes({ ...INPUT, previous: { release: marker.release, marker } });
    expect(notes).not.toContain('->\n- openssl');
    expect(notes).toContain('- openssl 3.0.17-1\n');
  });

  it('leave out what there is not', () => {
    const groups = GROUPS.map((group) => ({ ...group, accepted: [] }));
    const steps = MANIFEST.steps.map(({ facts: _, ...step }) => step);
    const notes = releaseNotes({ ...INPUT, manifest: { ...MANIFEST, steps }, groups, files: [] });
    for (const absent of ['Changes', 'linked', 'advisories', 'Install', 'gpg', 'report.html`.\n\n\n'])
      expect(notes).not.toContain(absent);
  });
});
