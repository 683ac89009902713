import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { runProcess } from '../../../src/io/exec.ts';
import { createIo } from '../../../src/io/index.ts';
import type { Manifest } from '../../../src/manifest/schema.ts';
import type { Mirrors } from '../../../src/plan/archives.ts';
import { librariesNow, linkedLines } from '../../../src/run/libraries.ts';
import { machineImagesNow } from '../../../src/run/machine-images.ts';
import { chooseRevision } from '../../../src/run/revision.ts';
import type { Session } from '../../../src/run/session.ts';
import { type SigningKey, serveDebianMirror, stanza } from '../../support/debian-mirror.ts';
import { errorOf, temporaryFolder } from '../../support/sandbox.ts';

/** These tests do not cover signatures: the archive's are empty, and this fake gpgv accepts them. */
const KEY: Pick<SigningKey, 'clearsign'> = {
  clearsign: (text) =>
    `-----BEGIN PGP SIGNED MESSAGE-----\n\n${text}-----BEGIN PGP SIGNATURE-----\n-----END PGP SIGNATURE-----\n`,
};
const GPGV = `#!/bin/sh
echo "[GNUPG:] GOODSIG 1 x" >&2
echo "[GNUPG:] VALIDSIG 1 2026-01-01 1 0 4 0 1 10 01 1" >&2
for file; do :; done
sed -e '/^-----/d' -e '1,2{/^$/d}' "$file"
`;

let dir: string;
let lines: string[];
beforeEach(() => {
  dir = temporaryFolder();
  lines = [];
  mkdirSync(join(dir, 'bin'));
  writeFileSync(join(dir, 'bin/gpgv'), GPGV);
  chmodSync(join(dir, 'bin/gpgv'), 0o755);
  vi.stubEnv('PATH', `${join(dir, 'bin')}:${process.env.PATH}`);
  return () => void vi.unstubAllEnvs();
});

/** An archive with these source packages by suite: `NAME VERSION`. */
async function archive(suites: Readonly<Record<string, string[]>>): Promise<string> {
  const all = await Promise.all(
    Object.entries(suites).map(([suite, packages]) => {
      const sources = packages.map((each) => stanza(...(each.split(' ') as [string, string])));
      return serveDebianMirror({ key: KEY as SigningKey, suite, sources: sources.join('\n') });
    }),
  );
  const [first, ...others] = all;
  for (const { files } of others) for (const [path, text] of files) first?.files.set(path, text);
  return first?.mirror ?? '';
}

const session = (debian: string | undefined, mirrors: Mirrors = {}): Session =>
  ({
    options: { revision: 'auto' },
    output: { line: (text: string) => lines.push(text), styled: () => {}, data: () => {} },
    recipes: { release: { revision: 1 } },
    io: createIo(runProcess, new AbortController().signal),
    cache: join(dir, 'cache'),
    mirrors: { debian, security: debian, named: {}, ...mirrors },
  }) as unknown as Session;
const build = (id: string, ...linked: string[]) =>
  ({ id, facts: { linked } }) as unknown as Manifest['steps'][number];
const made = (...steps: Manifest['steps']) =>
  ({ coturn: { version: '4.6.1', revision: 4, epoch: 0 }, steps, bases: [] }) as unknown as Manifest;

const OPENSSL = 'openssl 3.0.1-1 bookworm debian';
const EVENT = 'libevent 2.1-1 trixie debian';
const UP_TO_DATE = {
  bookworm: ['openssl 3.0.1-1', 'libevent 9.9-9'],
  'bookworm-updates': ['hiredis 1.0-1'],
  'bookworm-security': ['hiredis 1.0-1'],
  trixie: ['libevent 2.1-1', 'openssl 9.9-9'],
  'trixie-updates': ['hiredis 1.0-1'],
  'trixie-security': ['hiredis 1.0-1'],
};

describe('linkedLines', () => {
  it('lists the static libraries of all steps, ignoring everything but text', () => {
    const other = { facts: { linked: 'openssl 1 bookworm' } };
    const mixed = { facts: { linked: [OPENSSL, 7, null] } };
    const steps = [{ facts: undefined }, {}, other, mixed, build('b', EVENT)] as Manifest['steps'];
    expect(linkedLines(steps)).toEqual([OPENSSL, EVENT]);
  });
});

describe('librariesNow', () => {
  it('needs no archive if nothing is statically linked', async () => {
    expect(await librariesNow(session(undefined), made(build('b')))).toEqual([]);
  });

  it('fails without an archive', async () => {
    const error = await errorOf(librariesNow(session(undefined), made(build('b', OPENSSL))));
    expect(error.code).toBe('MIRROR_UNKNOWN');
  });

  it('fails without the archive of security updates, instead of reporting "up to date"', async () => {
    const mirror = await archive(UP_TO_DATE);
    const error = await errorOf(
      librariesNow(session(mirror, { security: undefined }), made(build('b', OPENSSL))),
    );
    expect([error.code, error.message]).toEqual([
      'MIRROR_UNKNOWN',
      "No mirror of Debian's security updates is configured",
    ]);
    expect(error.hint).toContain('--mirror debian-security=URL');
  });

  it('finds security updates in their own archive', async () => {
    const mirror = await archive(UP_TO_DATE);
    const security = await archive({ ...UP_TO_DATE, 'bookworm-security': ['openssl 3.0.1-1+deb12u1'] });
    expect(await librariesNow(session(mirror, { security }), made(build('b', OPENSSL)))).toMatchObject([
      { newest: '3.0.1-1+deb12u1', offeredIn: 'bookworm-security', outdated: true, security: true },
    ]);
  });

  it('looks up each library in the release it came from', async () => {
    const mirror = await archive({ ...UP_TO_DATE, 'bookworm-updates': ['openssl 3.0.2-1'] });
    const states = await librariesNow(session(mirror), made(build('b', OPENSSL, EVENT)));
    expect(states).toMatchObject([
      { package: 'libevent', newest: '2.1-1', outdated: false },
      { package: 'openssl', newest: '3.0.2-1', offeredIn: 'bookworm-updates', outdated: true },
    ]);
  });
});

describe('machineImagesNow', () => {
  const image = (cloud: string, ...packages: string[]) =>
    ({
      ...{ id: `image:${cloud}:arm64`, stage: 'image', status: 'done', cloud, arch: 'arm64' },
      outputs: [{ kind: 'image', path: `coturn-${cloud}.img` }],
      ...{ bases: { base: 'sha256:1' }, facts: { packages } },
    }) as unknown as Manifest['steps'][number];
  const manifest = (...steps: Manifest['steps']) =>
    ({
      steps,
      bases: [
        { name: 'other', suite: 'bookworm' },
        { name: 'base', suite: 'trixie' },
      ],
    }) as unknown as Manifest;

  it('compares the packages of each image with the archive of its release', async () => {
    const mirror = await archive({ ...UP_TO_DATE, 'trixie-updates': ['libevent 2.1-2'] });
    const aws = image('aws', 'libevent-2.1-7 2.1-1+b1 libevent 2.1-1', 'openssl 9.9-9 openssl 9.9-9');
    const gce = image('gce', 'openssl 9.9-9 openssl 9.9-9', 'coturn 4.6.1 coturn 4.6.1');
    const failed = { ...image('aws'), id: 'image:aws:x86_64', status: 'failed' as const };
    expect(await machineImagesNow(session(mirror), manifest(aws, gce, failed))).toMatchObject([
      {
        ...{
          image: 'coturn-aws.img',
          cloud: 'aws',
          arch: 'arm64',
          compared: 2,
          outdated: true,
          security: false,
        },
        packages: [{ package: 'libevent', version: '2.1-1', newest: '2.1-2', offeredIn: 'trixie-updates' }],
      },
      { image: 'coturn-gce.img', cloud: 'gce', compared: 1, outdated: false, packages: [] },
    ]);
  });

  it('needs no archive without images', async () => {
    expect(await machineImagesNow(session(undefined), manifest())).toEqual([]);
  });

  it('fails if the packages of an image, or their release, are not recorded', async () => {
    const error = await errorOf(machineImagesNow(session(undefined), manifest(image('aws'))));
    expect([error.code, error.message]).toEqual([
      'MANIFEST_INVALID',
      'The manifest does not list the packages of image:aws:arm64',
    ]);
    const alone = { ...manifest(image('aws', 'a 1 a 1')), bases: [] };
    expect((await errorOf(machineImagesNow(session(undefined), alone))).code).toBe('MANIFEST_INVALID');
  });
});

describe('--revision auto', () => {
  it('keeps the revision if all libraries are up to date', async () => {
    const mirror = await archive(UP_TO_DATE);
    const all = made(build('build:portable:arm64', OPENSSL), build('build:portable:x86_64', EVENT));
    expect(await chooseRevision(session(mirror), all)).toEqual({ revision: 4, rebuild: new Set() });
    expect(lines).toEqual(['keeping revision 4: all statically linked libraries are up to date']);
  });

  it('takes the next revision for newer libraries, and rebuilds only outdated builds', async () => {
    const mirror = await archive({ ...UP_TO_DATE, 'bookworm-updates': ['openssl 3.0.2-1'] });
    const all = made(
      build('build:portable:arm64', EVENT, OPENSSL),
      build('build:portable:x86_64', EVENT),
      build('build:other:x86_64', 'openssl 3.0.1-1 trixie debian'),
      build('build:debian-12:arm64'),
    );
    expect(await chooseRevision(session(mirror), all)).toMatchObject({
      revision: 5,
      rebuild: new Set(['build:portable:arm64', 'build:other:x86_64']),
    });
    expect(lines).toEqual(['revision 5, for openssl 3.0.2-1, openssl 9.9-9']);
  });

  it('compares package, version and release together', async () => {
    const mirror = await archive({ ...UP_TO_DATE, 'bookworm-updates': ['openssl 3.0.2-1'] });
    const all = made(build('old', OPENSSL), build('new', 'openssl 3.0.2-1 bookworm debian'));
    expect((await chooseRevision(session(mirror), all)).rebuild).toEqual(new Set(['old']));
  });
});
