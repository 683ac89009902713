import { execFileSync, spawnSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { beforeEach, describe, expect, it } from 'vitest';
import { temporaryFolder } from '../support/sandbox.ts';

const recipes = new URL('../../recipes/docker/', import.meta.url);
const UNIT = 'pkg/usr/lib/systemd/system/coturn.service';
const MONITORING = 'pkg/usr/share/doc/coturn/monitoring';
/** Paths of the files that the inspection reads. */
const READ = [
  UNIT,
  'pkg/lib/systemd/system/coturn.service',
  'pkg/usr/bin/turnserver',
  'pkg/usr/share/coturn/coturn.cdx.json',
  'pkg/etc/turnserver.conf',
  `${MONITORING}/coturn.rules.yml`,
  `${MONITORING}/coturn.rules.test.yml`,
  `${MONITORING}/grafana-dashboard.json`,
];

let dir: string;
const write = (path: string, text: string) => {
  mkdirSync(dirname(join(dir, path)), { recursive: true });
  writeFileSync(join(dir, path), text);
};
const plant = (path: string, make: (path: string) => void) => {
  mkdirSync(dirname(join(dir, path)), { recursive: true });
  make(join(dir, path));
};
const out = (name: string) => readFileSync(join(dir, 'out', name), 'utf8');
const unread = () =>
  out('unread.txt')
    .split('\n')
    .filter((line) => line !== '')
    .map((path) => path.replace(`${dir}/`, ''));

/** Runs shell commands with the functions of the inspection, in the test's own folders. */
function inspect(commands: string) {
  const script = `. /turnbuild/inspection.sh\n${commands}`;
  const own = (text: string) =>
    text.replaceAll(/(?<![\w.])\/(pkg|symbols|tmp|out|inputs)(?=[\s/"'$]|$)/g, `${dir}/$1`);
  mkdirSync(join(dir, 'turnbuild'), { recursive: true });
  for (const name of ['inspection.sh', 'results.sh', 'deb/inspect-read.sh'])
    if (existsSync(new URL(name, recipes)))
      writeFileSync(
        join(dir, 'turnbuild', basename(name)),
        own(readFileSync(new URL(name, recipes), 'utf8')).replaceAll('/turnbuild/', `${dir}/turnbuild/`),
      );
  // Kill all processes of a script that does not end, before it fills the disk.
  const text = `ulimit -f 2000000\n${own(script).replaceAll('/turnbuild/', `${dir}/turnbuild/`)}`;
  return spawnSync('/usr/bin/timeout', ['--signal=KILL', '15', 'sh', '-euc', text], {
    encoding: 'utf8',
    env: { PATH: `${dir}/bin:${process.env.PATH}`, MAX_RESULTS: '1000000000' },
  });
}

beforeEach(() => {
  dir = temporaryFolder();
  for (const name of ['out', 'tmp', 'bin', 'pkg', 'symbols']) mkdirSync(join(dir, name));
  // This test does not cover their output for regular files.
  for (const name of ['systemd-analyze', 'promtool']) {
    writeFileSync(join(dir, 'bin', name), `#!/bin/sh\necho ${name} "$@"\n`);
    chmodSync(join(dir, 'bin', name), 0o755);
  }
});

describe('files of a package', () => {
  it('are read if they are regular files', () => {
    for (const path of READ) write(path, `text of ${path}`);
    expect(inspect('read_files /etc/turnserver.conf')).toMatchObject({ status: 0, stderr: '' });
    expect(unread()).toEqual([]);
    expect(out('coturn.service')).toBe(`text of ${UNIT}`);
    expect(out('systemd.txt')).toMatch(/^systemd-analyze security /);
    for (const path of READ.slice(2)) expect(out(path.split('/').at(-1) ?? '')).toBe(`text of ${path}`);
    expect(out('promtool.txt')).toBe(
      'promtool check rules coturn.rules.yml\ncheck exit 0\npromtool test rules coturn.rules.test.yml\ntest exit 0\n',
    );
  });

  it('can be missing', () => {
    expect(inspect('read_files /etc/turnserver.conf')).toMatchObject({ status: 0, stderr: '' });
    expect(unread()).toEqual([]);
  });

  it.each<[string, (path: string) => void]>([
    ['a link to an endless file', (path) => symlinkSync('/dev/zero', path)],
    ['a link to a file of the inspector', (path) => symlinkSync('/etc/passwd', path)],
    ['a dangling link', (path) => symlinkSync('/no/such', path)],
    ['a FIFO', (path) => void execFileSync('mkfifo', [path])],
    ['a folder', (path) => mkdirSync(path)],
    [
      'gigabytes in size',
      (path) => {
        writeFileSync(path, '');
        truncateSync(path, 2_500_000_000);
      },
    ],
  ])('are reported as unread if they are %s', (_, make) => {
    for (const path of READ) plant(path, make);
    expect(inspect('read_files /etc/turnserver.conf')).toMatchObject({ status: 0, stderr: '' });
    expect(unread().sort()).toEqual([...READ].sort());
    for (const path of READ) expect(existsSync(join(dir, 'out', path.split('/').at(-1) ?? ''))).toBe(false);
  });

  it('are reported as unread if their folder is below a link', () => {
    mkdirSync(join(dir, 'elsewhere/systemd/system'), { recursive: true });
    writeFileSync(join(dir, 'elsewhere/systemd/system/coturn.service'), 'x');
    symlinkSync('../elsewhere', join(dir, 'pkg/lib'));
    expect(inspect('read_files /etc/turnserver.conf')).toMatchObject({ status: 0, stderr: '' });
    expect(unread()).toEqual(['pkg/lib/systemd/system/coturn.service']);
  });

  it('are checked by promtool with a limited output', () => {
    write(`${MONITORING}/coturn.rules.yml`, 'x');
    writeFileSync(join(dir, 'bin/promtool'), '#!/bin/sh\nexec cat /dev/zero\n');
    writeFileSync(
      join(dir, 'bin/timeout'),
      '#!/bin/sh\nshift 2\nexec /usr/bin/timeout --signal=KILL 1 "$@"\n',
    );
    chmodSync(join(dir, 'bin/timeout'), 0o755);
    expect(inspect('read_files /etc/turnserver.conf').status).toBe(0);
    expect(out('promtool.txt')).toHaveLength(1_048_576);
  });
});

describe('a document of a package', () => {
  const DOCUMENT = 'pkg/usr/share/doc/coturn/changelog';
  const read = () =>
    expect(inspect('read_document /usr/share/doc/coturn/changelog changelog')).toMatchObject({
      ...{ status: 0, stderr: '' },
    });
  const compressed = (text: string | Buffer) =>
    plant(`${DOCUMENT}.gz`, (path) => writeFileSync(path, gzipSync(text)));

  it('is read uncompressed', () => {
    write(DOCUMENT, 'Version 4.6.1\n');
    read();
    expect([out('documents/changelog'), unread()]).toEqual(['Version 4.6.1\n', []]);
  });

  it('is read from gzip', () => {
    compressed('Version 4.6.1\n');
    read();
    expect([out('documents/changelog'), unread()]).toEqual(['Version 4.6.1\n', []]);
  });

  it('can be absent', () => {
    read();
    expect([existsSync(join(dir, 'out/documents/changelog')), unread()]).toEqual([false, []]);
  });

  it('is reported as unread if it is damaged or a link', () => {
    plant(`${DOCUMENT}.gz`, (path) => writeFileSync(path, gzipSync('Version 4.6.1\n').subarray(0, 20)));
    read();
    expect(unread()).toEqual([`${DOCUMENT}.gz`]);
    rmSync(join(dir, `${DOCUMENT}.gz`));
    plant(`${DOCUMENT}.gz`, (path) => symlinkSync('/dev/zero', path));
    read();
    expect(unread()).toEqual([`${DOCUMENT}.gz`]);
  });

  it('is cut off at 1 MiB', () => {
    compressed(Buffer.alloc(50_000_000, 'a'));
    read();
    expect(out('documents/changelog')).toHaveLength(1_048_576);
  });
});

describe('the exposure of the unit', () => {
  const answer = (...lines: string[]) => {
    write(UNIT, 'x');
    writeFileSync(join(dir, 'bin/systemd-analyze'), `#!/bin/sh\n${lines.join('\n')}\n`);
    writeFileSync(
      join(dir, 'bin/timeout'),
      '#!/bin/sh\nshift 2\nexec /usr/bin/timeout --signal=KILL 1 "$@"\n',
    );
    chmodSync(join(dir, 'bin/timeout'), 0o755);
    expect(inspect('read_files /etc/turnserver.conf').status).toBe(0);
    return out('systemd.txt');
  };

  it('is the output of systemd-analyze', () => expect(answer('echo exposure')).toBe('exposure\n'));
  it('is unknown if systemd-analyze fails', () => expect(answer('echo exposure', 'exit 1')).toBe(''));
  it('is unknown if systemd-analyze does not end', () =>
    expect(answer('echo exposure', 'sleep 60')).toBe(''));
  it('is limited to the first 1 MiB of output', () =>
    expect(answer('head -c 1048576 /dev/zero', 'echo exposure')).toHaveLength(1_048_576));
});

describe('the folders of systemd', () => {
  it('are listed with all links, because one can point there', () => {
    write(UNIT, 'x');
    write('pkg/etc/systemd/system/coturn.service.d/a\nb\tc.conf', 'x');
    write('pkg/etc/turnserver.conf', 'x');
    symlinkSync('elsewhere', join(dir, 'pkg/lib'));
    expect(inspect('read_units')).toMatchObject({ status: 0, stderr: '' });
    expect(
      out('units.txt')
        .split('\n')
        .filter((line) => !line.startsWith('d\t')),
    ).toEqual([
      'f\t/etc/systemd/system/coturn.service.d/a?b\tc.conf',
      'f\t/usr/lib/systemd/system/coturn.service',
      'l\t/lib',
      '',
    ]);
  });
});

describe('programs of a package', () => {
  it('are read only if they are regular files of limited size with a path of one line', () => {
    const program = (path: string) => plant(path, (file) => copyFileSync('/usr/bin/true', file));
    program('pkg/usr/bin/turnserver');
    program('pkg/usr/bin/trailing ');
    program('pkg/usr/bin/a\n/usr/bin/env');
    program('pkg/usr/lib/large.so');
    truncateSync(join(dir, 'pkg/usr/lib/large.so'), 2_500_000_000);
    symlinkSync('/usr/bin/env', join(dir, 'pkg/usr/bin/link'));
    execFileSync('mkfifo', [join(dir, 'pkg/usr/bin/fifo')]);
    expect(inspect('read_elf /pkg /out/elf')).toMatchObject({ status: 0, stderr: '' });
    expect(['001', '002'].map((number) => out(`elf/${number}.path`))).toEqual([
      '/usr/bin/trailing \n',
      '/usr/bin/turnserver\n',
    ]);
    expect(existsSync(join(dir, 'out/elf/003.path'))).toBe(false);
    expect(out('elf/002.dynamic')).toContain('libc.so.6');
    expect(unread().sort()).toEqual(['pkg/usr/bin/a?/usr/bin/env', 'pkg/usr/lib/large.so']);
  });

  it('are read whatever their name is, unlike static libraries', () => {
    plant('pkg/usr/lib/hidden.a', (file) => copyFileSync('/usr/bin/true', file));
    execFileSync('ar', ['rc', 'usr/library', 'usr/lib/hidden.a'], { cwd: join(dir, 'pkg') });
    execFileSync('ar', ['rcT', 'usr/thin', 'usr/lib/hidden.a'], { cwd: join(dir, 'pkg') });
    expect(inspect('read_elf /pkg /out/elf')).toMatchObject({ status: 0, stderr: '' });
    expect(out('elf/001.path')).toBe('/usr/lib/hidden.a\n');
    expect(existsSync(join(dir, 'out/elf/002.path'))).toBe(false);
  });

  it('are reported as unread if the output of readelf has no end', () => {
    plant('pkg/usr/bin/turnserver', (file) => copyFileSync('/usr/bin/true', file));
    writeFileSync(join(dir, 'bin/readelf'), '#!/bin/sh\n[ "$1" = -h ] || exec cat /dev/zero\n');
    chmodSync(join(dir, 'bin/readelf'), 0o755);
    expect(inspect('read_elf /pkg /out/elf').status).toBe(0);
    expect(out('elf/001.versions')).toHaveLength(33_554_432);
    expect([...new Set(unread())]).toEqual(['pkg/usr/bin/turnserver']);
    rmSync(join(dir, 'out'), { recursive: true });
  });

  it.each(['library', 'debug symbols'])('are not read through a link: %s', (what) => {
    const library = what === 'library';
    const path = library ? 'pkg/usr/lib/libturnclient.a' : 'symbols/usr/lib/debug/.build-id/ab/c.debug';
    plant(path, (file) => symlinkSync('/usr/bin/env', file));
    expect(inspect(library ? 'read_library /pkg' : 'read_symbols')).toMatchObject({ status: 0, stderr: '' });
    expect(out(library ? 'library.txt' : 'debug-ids.txt')).toBe('');
  });
});

describe('a .deb', () => {
  const CONTROL =
    'Package: coturn\nVersion: 1\nArchitecture: all\nMaintainer: A <a@b.invalid>\nDescription: x\n';
  /** The folder of a package without files. */
  const minimal = () => {
    write('minimal/DEBIAN/control', CONTROL);
    return join(dir, 'minimal');
  };
  /** Packs a folder with tar(1), because dpkg-deb cannot create such tar files. */
  const pack = ({ file = 'coturn.deb', tar = [] }: { file?: string; tar?: string[] } = {}) => {
    const text = readFileSync(new URL('deb/inspect.sh', recipes), 'utf8');
    mkdirSync(join(dir, 'inputs'), { recursive: true });
    write('control/control', CONTROL);
    const run = (file: string, ...args: string[]) => execFileSync(file, args, { cwd: dir, stdio: 'ignore' });
    writeFileSync(join(dir, 'debian-binary'), '2.0\n');
    run('tar', '-czf', 'control.tar.gz', '-C', 'control', '.');
    run('tar', '-czf', 'data.tar.gz', ...tar, '-C', 'pkg', '.');
    run('ar', 'rc', `inputs/${file}`, 'debian-binary', 'control.tar.gz', 'data.tar.gz');
    rmSync(join(dir, 'pkg'), { recursive: true });
    // The commands after the limits need tools that this test does not use.
    return inspect(text.replace(/^\. .*inspection\.sh$/m, '').replace(/^read_deb \S+ -f[\s\S]*$/m, 'exit 9'));
  };
  const refused = {
    status: 1,
    stderr:
      'turnbuild-error: DEB_INVALID: coturn.deb unpacks to more than 1 GiB, or to more than 100,000 files\n',
  };

  it('is inspected if it is within the limits', () => {
    write('pkg/usr/bin/turnserver', 'x');
    expect(pack({ tar: ['--owner=a b:1'] })).toMatchObject({ status: 9, stderr: '' });
  });

  it.each(['root', '1 1 1'])('is refused for a large sparse file of the owner "%s"', (owner) => {
    plant('pkg/usr/bin/turnserver', (file) => {
      writeFileSync(file, '');
      truncateSync(file, 2_500_000_000);
    });
    expect(pack({ tar: ['--sparse', `--owner=${owner}:0`] })).toMatchObject(refused);
  });

  it.each(['', 'symbols'])('is refused for large control files %s', (of) => {
    write('pkg/usr/bin/turnserver', 'x');
    write('control/postinst', '#'.repeat(17_000_000));
    const file = of === '' ? 'coturn.deb' : 'coturn-dbgsym.deb';
    if (of !== '') {
      // The package itself is valid.
      mkdirSync(join(dir, 'inputs'));
      execFileSync('dpkg-deb', ['--build', minimal(), join(dir, 'inputs/coturn.deb')], { stdio: 'ignore' });
    }
    expect(pack({ file })).toMatchObject({
      status: 1,
      stderr: `turnbuild-error: DEB_INVALID: the control files of ${file} unpack to more than 16 MiB\n`,
    });
  });

  it('is refused for too many files', () => {
    mkdirSync(join(dir, 'pkg/x'));
    for (let i = 0; i < 100_001; i++) writeFileSync(join(dir, 'pkg/x', `${i}`), '');
    expect(pack()).toMatchObject(refused);
  });
});
