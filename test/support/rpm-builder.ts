import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface RpmOptions {
  version: string;
  release?: string;
  /** rpm's name. */
  architecture: string;
  /** Content of its only file. */
  content: string;
  /** Also makes a package of debug symbols. */
  debug?: boolean;
}

/** Builds an .rpm without dependencies, and its .src.rpm. @returns name -> bytes */
export function rpmsOf(name: string, options: RpmOptions): Map<string, Buffer> {
  const { version, release = '1', architecture, content, debug = false } = options;
  const debuginfo = `%package debuginfo
Summary: debug symbols of a test
%description debuginfo
Debug symbols of a test.
%files debuginfo
/usr/share/${name}/content
`;
  const dir = mkdtempSync(join(tmpdir(), 'tb-rpm-'));
  try {
    const spec = join(dir, `${name}.spec`);
    writeFileSync(
      spec,
      `Name: ${name}
Version: ${version}
Release: ${release}
Summary: a package of a test
License: MIT
AutoReqProv: no
%description
A package of a test.
%install
mkdir -p %{buildroot}/usr/share/${name}
echo '${content}' >%{buildroot}/usr/share/${name}/content
%files
/usr/share/${name}
${debug ? debuginfo : ''}`,
    );
    const settings = {
      _topdir: dir,
      debug_package: '%{nil}',
      use_source_date_epoch_as_buildtime: '1',
      clamp_mtime_to_source_date_epoch: '1',
      _buildhost: 'reproducible',
      __os_install_post: '%{nil}',
    };
    const defines = Object.entries(settings).flatMap(([key, value]) => ['--define', `${key} ${value}`]);
    execFileSync('rpmbuild', [...defines, '--quiet', '--target', architecture, '-ba', spec], {
      env: { ...process.env, SOURCE_DATE_EPOCH: '1700000000' },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    const found = readdirSync(dir, { recursive: true, withFileTypes: true }).filter((entry) =>
      entry.name.endsWith('.rpm'),
    );
    return new Map(found.map((entry) => [entry.name, readFileSync(join(entry.parentPath, entry.name))]));
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}
