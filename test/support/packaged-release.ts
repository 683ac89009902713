import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { sha256Bytes, sha256Text } from '../../src/io/files.ts';
import { isPackage, kindOfPackageFile } from '../../src/manifest/package-kinds.ts';
import { type Artifact, MANIFEST_SCHEMA, type Manifest, manifestSchema } from '../../src/manifest/schema.ts';
import { formatManifest } from '../../src/manifest/store.ts';
import { sbomFile } from '../../src/plan/package-version.ts';
import { debOf } from './deb-builder.ts';
import { rpmsOf } from './rpm-builder.ts';

export interface PackagedOptions {
  version?: string;
  revision?: number;
  /** Target -> label of its .deb packages, or `rpm` with the end of the release of its .rpm packages. */
  targets?: Readonly<Record<string, string>>;
  architectures?: readonly ('arm64' | 'x86_64')[];
  /** What a package contains. Reproducible builds have the same content. */
  content?: string;
  /** Has every kind of file: also tarballs, debug symbols of .rpm packages, bills of materials, and a report. */
  complete?: boolean;
  /** Makes .deb packages that dpkg can install, with dpkg-deb. */
  installable?: boolean;
  /** Changes the manifest. */
  change?: (manifest: Manifest) => Manifest;
}

const DEBIAN = { arm64: 'arm64', x86_64: 'amd64' } as const;
const RPM = { arm64: 'aarch64', x86_64: 'x86_64' } as const;

/** Writes a verified release, with small packages, into a folder. @returns the folder of the release */
export function packagedRelease(out: string, options: PackagedOptions = {}): string {
  const { version = '4.18.0', revision = 1, targets = { 'debian-13': 'deb13' } } = options;
  const { complete = false } = options;
  const { architectures = ['x86_64'], content = 'data', change = (manifest) => manifest } = options;
  const makeDeb = options.installable === true ? installableDeb : debOf;
  const dir = join(out, version);
  mkdirSync(dir, { recursive: true });
  const packageVersion = `${version}+turnbuild-${revision}`;
  const pairs = Object.entries(targets).flatMap(([target, label]) =>
    architectures.map((arch) => ({ target, label, arch })),
  );
  const steps = pairs.flatMap(({ target, label, arch }) => {
    const write = (path: string, bytes: Buffer, kind: Artifact['kind']): Artifact => {
      writeFileSync(join(dir, path), bytes);
      return { path, kind, size: bytes.length, sha256: sha256Bytes(bytes), target, arch };
    };
    const rpms = () => {
      const architecture = RPM[arch];
      const made = [
        ...rpmsOf('coturn', {
          version: `${version}+turnbuild`,
          release: `${revision}${label.slice('rpm'.length)}`,
          architecture,
          content,
          debug: complete,
        }),
        ...(complete ? [[`coturn-${version}-linux-${arch}.tar.gz`, gzipSync(content)] as const] : []),
      ];
      return made
        .filter(([path]) => arch === architectures[0] || !path.endsWith('.src.rpm'))
        .map(([path, bytes]) => write(path, bytes, kindOfPackageFile(path)));
    };
    const sbom = ({ path }: Artifact): Artifact =>
      write(sbomFile(path), Buffer.from(sbomOf(path, packageVersion)), 'sbom');
    const debs = () =>
      (['coturn', 'coturn-dbgsym'] as const).map((name): Artifact => {
        const full = `${packageVersion}~${label}`;
        const bytes = makeDeb(control(name, full, DEBIAN[arch]), { data: Buffer.from(content) });
        const path = `${name}_${full}_${DEBIAN[arch]}.deb`;
        return write(path, bytes, name === 'coturn' ? 'deb' : 'deb-dbgsym');
      });
    const packages = label.startsWith('rpm') ? rpms() : debs();
    const outputs = [...packages, ...(complete ? packages.filter(isPackage).map(sbom) : [])];
    const common = { target, arch, bases: {}, status: 'done', seconds: 1 } as const;
    const inputs = outputs.map(({ path, sha256 }) => ({ path, sha256 }));
    return [
      {
        ...common,
        id: `package:${target}:${arch}`,
        stage: 'package' as const,
        key: sha256Text(`package ${target} ${arch}`),
        inputs: [],
        outputs,
      },
      {
        ...common,
        id: `verify:${target}:${arch}`,
        stage: 'verify' as const,
        key: sha256Text(`verify ${target} ${arch}`),
        inputs,
        outputs: [],
        checks: [
          {
            ...{ id: 'stun', title: 'Answers STUN', reason: 'Every client asks it.', message: '' },
            status: 'passed' as const,
            figures: {},
          },
        ],
      },
    ];
  });
  const manifest = manifestSchema.parse({
    schema: MANIFEST_SCHEMA,
    turnbuild: '0.1.0',
    plan: sha256Text(packageVersion),
    coturn: { version, revision, epoch: 1_700_000_000 },
    packageVersion,
    advisories: [],
    bases: [],
    steps,
  });
  writeFileSync(join(dir, 'manifest.json'), formatManifest(change(manifest), sha256Text));
  if (complete) writeFileSync(join(dir, 'report.html'), '<!doctype html>\n');
  return dir;
}

/** As src/packaging/sbom.ts writes it. */
export function sbomOf(file: string, version: string): string {
  const component = { type: 'application', name: 'coturn', version, 'bom-ref': `package:${file}` };
  const head = { bomFormat: 'CycloneDX', specVersion: '1.6', version: 1 };
  return `${JSON.stringify({ ...head, metadata: { component }, components: [] }, null, 2)}\n`;
}

function control(name: string, version: string, architecture: string): string {
  return `Package: ${name}
Version: ${version}
Architecture: ${architecture}
Maintainer: Packages <packages@example.org>
Description: a package of a test
`;
}

function installableDeb(text: string, { data }: { data: Buffer }): Buffer {
  const dir = mkdtempSync(join(tmpdir(), 'turnbuild-test-'));
  try {
    const doc = join(dir, 'root/usr/share/doc', /^Package: (.*)$/m.exec(text)?.[1] ?? '');
    for (const each of [doc, join(dir, 'root/DEBIAN')]) mkdirSync(each, { recursive: true });
    writeFileSync(join(doc, 'content'), data);
    writeFileSync(join(dir, 'root/DEBIAN/control'), text);
    execFileSync('dpkg-deb', ['--build', '--root-owner-group', 'root', 'package.deb'], { cwd: dir });
    return readFileSync(join(dir, 'package.deb'));
  } finally {
    rmSync(dir, { recursive: true });
  }
}
