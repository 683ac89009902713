import { expect, it } from 'vitest';
import { isCompanion, isPackage, kindOfPackageFile } from '../../../src/manifest/package-kinds.ts';
import { formatSums } from '../../../src/manifest/sums.ts';
import { fixture } from '../ui/manifest-fixture.ts';

it('formatSums lists exactly the published files, sorted by path', () => {
  const lines = formatSums(fixture()).split('\n');
  expect(lines.pop()).toBe('');
  for (const line of lines) expect(line).toMatch(/^[0-9a-f]{64} {2}coturn\S+\.deb$/);
  const paths = lines.map((line) => line.slice(66));
  expect(paths).toHaveLength(8);
  expect(paths).toEqual(paths.toSorted());
  expect(paths.filter((path) => path.startsWith('coturn-dbgsym_'))).toHaveLength(4);
});

it.each([
  ['coturn_4.6.1+turnbuild-1~deb12_arm64.deb', 'deb', 'package'],
  ['coturn-dbgsym_4.6.1+turnbuild-1~deb12_arm64.deb', 'deb-dbgsym', 'companion'],
  ['coturn-4.6.1+turnbuild-1.x86_64.rpm', 'rpm', 'package'],
  ['coturn-debuginfo-4.6.1+turnbuild-1.x86_64.rpm', 'rpm-debuginfo', 'companion'],
  ['coturn-4.6.1+turnbuild-1.src.rpm', 'rpm-source', 'companion'],
  ['coturn-4.6.1-linux-arm64.tar.gz', 'tarball', 'package'],
  ['coturn_4.6.1+turnbuild-1~deb12_arm64.deb.cdx.json', 'sbom', 'companion'],
])('%s is of kind %s, a %s', (path, kind, role) => {
  expect(kindOfPackageFile(path)).toBe(kind);
  const artifact = { path, kind: kindOfPackageFile(path), size: 1, sha256: 'x' };
  expect([isPackage(artifact), isCompanion(artifact)]).toEqual([role === 'package', role === 'companion']);
});

it.each(['build', 'verify', 'log'] as const)(
  'an artifact of kind %s is neither a package nor a companion',
  (kind) => {
    const artifact = { path: 'x', kind, size: 1, sha256: 'x' };
    expect([isPackage(artifact), isCompanion(artifact)]).toEqual([false, false]);
  },
);
