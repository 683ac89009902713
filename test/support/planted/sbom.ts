import { readFileSync } from 'node:fs';
import type { PackageFacts } from '../../../src/checks/facts.ts';
import { sbomChecks } from '../../../src/checks/sbom-checks.ts';
import { parseLinked, parseShared, renderSbom } from '../../../src/packaging/sbom.ts';
import { platformOf } from '../../../src/plan/platforms.ts';
import { parseRecipeFile } from '../../../src/recipe/parse.ts';
import { targetSchema } from '../../../src/recipe/schema.ts';
import { packageFacts } from '../package-facts.ts';

const path = new URL('../../../recipes/targets/portable.yaml', import.meta.url);
const portable = parseRecipeFile('portable.yaml', readFileSync(path, 'utf8'), targetSchema);
const common = {
  packageVersion: '4.6.1+turnbuild-1',
  platform: platformOf('x86_64'),
  coturn: { version: '4.6.1', sha256: 'a'.repeat(64), epoch: 0 },
  patches: [],
  advisories: [],
  exposures: {},
  digest: () => '0'.repeat(64),
};
const LINKED = Object.keys(portable.staticLibraries?.licenses ?? {})
  .map((name) => `${name} ${name === 'openssl' ? '3.0.17-1~deb12u3' : '1.0-1'} bookworm debian-12\n`)
  .join('');
const licenses = portable.staticLibraries?.licenses ?? {};
const sbom = renderSbom({
  ...common,
  file: 'a.rpm',
  format: 'rpm',
  licenses,
  libraries: parseLinked(LINKED),
});
const tarballSbom = renderSbom({
  ...common,
  file: 'a.tar.gz',
  format: 'generic',
  licenses,
  libraries: parseLinked(LINKED),
});
export const linked = packageFacts({
  packageVersion: '4.6.1+turnbuild-1',
  target: portable,
  inspected: {
    sbom,
    sbomBeside: sbom,
    tarballSbom,
    tarballSbomBeside: tarballSbom,
    openssl: 'OpenSSL 3.0.17\n',
  },
});
const SHARED = {
  deb: 'libssl.so.3 libssl3 3.0.17-1 openssl 3.0.17-1 debian-12\n',
  rpm: 'libssl.so.3 openssl-libs 1:3.0.7-28.el9 openssl 3.0.7-28.el9 almalinux-9.4\n',
};
export const dynamic = (libraries: readonly string[], format: 'deb' | 'rpm' = 'deb'): PackageFacts => {
  const text = renderSbom({
    ...common,
    file: `a.${format}`,
    format,
    licenses: {},
    libraries: parseShared(SHARED[format], format),
  });
  const lines = libraries.map((library) => ` 0x1 (NEEDED)  Shared library: [${library}]`).join('\n');
  return packageFacts({
    packageVersion: '4.6.1+turnbuild-1',
    elf: [
      {
        path: '/usr/bin/turnserver',
        header: '',
        dynamic: lines,
        symbols: '',
        versions: '',
        segments: '',
        notes: '',
      },
    ],
    inspected: { sbom: text, sbomBeside: text },
  });
};
export const judge = (facts: PackageFacts) => sbomChecks[0]?.judge(facts);
const inspected = (change: Record<string, string | undefined>): PackageFacts => {
  const entries = Object.entries({ ...linked.inspected, ...change }).filter(([, text]) => text !== undefined);
  return { ...linked, inspected: Object.fromEntries(entries) as Record<string, string> };
};

/** The bill of materials with another component of this name, in all its copies. */
const component = (name: string, change: Record<string, unknown>): PackageFacts => {
  const changed = (text: string) => {
    const { components, ...rest } = JSON.parse(text) as { components: { name: string }[] };
    return JSON.stringify({
      ...rest,
      components: components.map((each) => (each.name === name ? { ...each, ...change } : each)),
    });
  };
  return inspected({
    ...{ sbom: changed(sbom), sbomBeside: changed(sbom) },
    ...{ tarballSbom: changed(tarballSbom), tarballSbomBeside: changed(tarballSbom) },
  });
};

/** The fault, the facts with it, and the message of the check that it fails; undefined if reading the facts throws. */
export const PLANTED: [string, PackageFacts, string | undefined][] = [
  ['it is missing', inspected({ sbom: undefined }), 'no coturn.cdx.json'],
  ['a component has no version', component('hiredis', { version: '' }), 'hiredis has no version'],
  ['a component has no package URL', component('hiredis', { purl: '' }), 'hiredis has no package URL'],
  [
    'a statically linked component has another description',
    component('hiredis', { description: 'Needed' }),
    'hiredis is statically linked but not listed',
  ],
  [
    'it is not a CycloneDX document',
    inspected({ sbom: sbom.replace('"CycloneDX"', '"SPDX"') }),
    'it is not a CycloneDX document',
  ],
  ['it is not JSON', inspected({ sbom: '{' }), undefined],
  ['the copy beside the package differs', inspected({ sbomBeside: `${sbom}\n` }), 'beside the package'],
  [
    'the tarball has no bill of materials',
    inspected({ tarballSbom: undefined }),
    'the tarball has no bill of materials',
  ],
  [
    'the tarball lists other components',
    inspected({ tarballSbom: tarballSbom.replaceAll('hiredis', 'other') }),
    'other components',
  ],
  ['the copy beside the tarball is empty', inspected({ tarballSbomBeside: '' }), 'beside the tarball'],
  [
    'a statically linked library is not listed',
    inspected({ sbom: sbom.replaceAll('"hiredis"', '"other"') }),
    'hiredis is statically linked',
  ],
  [
    'the program contains another OpenSSL version',
    inspected({ openssl: 'OpenSSL 3.0.16\n' }),
    'the program contains OpenSSL 3.0.16',
  ],
  [
    'the program contains no OpenSSL version',
    inspected({ openssl: '' }),
    'the program contains no OpenSSL version',
  ],
  [
    'the package has another version',
    { ...linked, packageVersion: '4.6.1+turnbuild-2' },
    '(expected 4.6.1+turnbuild-2)',
  ],
  ['coturn has another version', { ...linked, version: '4.6.2' }, 'it lists coturn 4.6.1 (expected 4.6.2)'],
  [
    'it names no distribution',
    inspected({ sbom: sbom.replaceAll('distro=debian-12', 'x=y') }),
    'names no distribution',
  ],
  [
    'a program needs a library that is not listed',
    dynamic(['libssl.so.3', 'libz.so.1']),
    'libz.so.1 is needed but not listed',
  ],
  [
    'the libraries that the programs need are unknown',
    dynamic([]),
    'the libraries that the programs need are unknown',
  ],
];
