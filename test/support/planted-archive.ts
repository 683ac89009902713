import { createHash } from 'node:crypto';
import type { SigningKey } from './debian-mirror.ts';
import { serve } from './http-server.ts';

/** Packages of a suite: name -> version, with further fields. */
export type Planted = Readonly<Record<string, { version: string; fields?: string }>>;

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');

/** A signed Debian archive on the loopback that lists these packages without files, so installing can only be simulated. */
export async function plantArchive(suites: Readonly<Record<string, Planted>>, key: SigningKey, arch: string) {
  const files = new Map<string, string>();
  for (const [suite, packages] of Object.entries(suites)) {
    const index = Object.entries(packages)
      .map(
        ([name, { version, fields = '' }]) =>
          `Package: ${name}\nVersion: ${version}\nArchitecture: ${arch}\nMaintainer: test\n${fields}` +
          `Filename: pool/${name}.deb\nSize: 1000\nSHA256: ${'0'.repeat(64)}\nDescription: planted\n`,
      )
      .join('\n');
    const path = `main/binary-${arch}/Packages`;
    const release = `Origin: Debian
Label: Debian
Suite: ${suite === 'trixie' ? 'stable' : 'oldstable'}
Version: ${suite === 'trixie' ? '13.9' : '12.15'}
Codename: ${suite}
Architectures: ${arch}
Components: main
Date: Sat, 11 Jul 2026 10:16:37 UTC
SHA256:
 ${sha256(index)} ${Buffer.byteLength(index)} ${path}
`;
    files.set(`/debian/dists/${suite}/InRelease`, key.clearsign(release));
    files.set(`/debian/dists/${suite}/${path}`, index);
  }
  const server = await serve((request, response) => {
    const found = files.get(request.url ?? '');
    if (found === undefined) response.writeHead(404).end();
    else response.end(found);
  });
  return { ...server, mirror: `${server.url}/debian` };
}
