import { execFileSync, spawnSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeEach, describe, expect, it } from 'vitest';
import { parseChanges } from '../../src/checks/tree-changes.ts';
import { temporaryFolder } from '../support/sandbox.ts';

const recipes = new URL('../../recipes/docker/', import.meta.url);
const script = readFileSync(new URL('verify/trees.sh', recipes), 'utf8');
/** The end state of the package's root. */
const FACTS = 'install.exit\t0\nseconds.purge\t1\n';

let dir: string;
const tree = (name: string) => join(dir, 'trees', name);
const write = (path: string, text: string) => {
  mkdirSync(dirname(join(dir, path)), { recursive: true });
  writeFileSync(join(dir, path), text);
};
/** Writes a file in the compared tree. */
const writeAfter = (path: string, text: string) => write(`trees/used/${path}`, text);

/** Runs the script with the test's own trees. */
function run(more: Record<string, string> = {}) {
  const own = script
    .replaceAll(/(?<![\w.])\/(trees|tmp|out)(?=[\s/"'])/g, `${dir}/$1`)
    .replace('/turnbuild/', fileURLToPath(recipes));
  // Kill all processes of a script that does not end.
  return spawnSync('timeout', ['--signal=KILL', '20', 'sh', '-c', own], {
    encoding: 'utf8',
    env: { PATH: process.env.PATH, FORMAT: 'rpm', TOOLS: 'own', MAX_RESULTS: '1000', ...more },
  });
}

function compare(more: Record<string, string> = {}): void {
  const { status, stderr } = run(more);
  expect(stderr).toBe('');
  expect(status).toBe(0);
}

/** The error of a refused comparison, which must leave only the trees. */
function refusal(more?: Record<string, string>): string {
  const { status, stderr } = run(more);
  expect(status).toBe(1);
  return stderr;
}

/** The reported changes: kind and path. */
function difference(change: () => void, env?: Record<string, string>): string[] {
  change();
  compare(env);
  return changes('purge');
}

const out = (name: string) => readFileSync(join(dir, 'out', name), 'utf8');
const changes = (name: string) =>
  parseChanges(out(`${name}.changes.txt`)).map(({ kind, path }) => `${kind} ${path}`);

beforeEach(() => {
  dir = temporaryFolder();
  mkdirSync(join(dir, 'tmp'));
  const first = 'trees/prepared';
  write(`${first}/etc/conf`, 'a');
  write(`${first}/etc/name with spaces`, 'a');
  write(`${first}/etc/passwd`, 'root:x:0:0::/:/bin/sh\n');
  write(`${first}/tmp/owned`, '/usr\n/usr/other\n');
  mkdirSync(join(dir, first, 'empty'));
  symlinkSync('conf', join(dir, first, 'etc/link'));
  for (const name of ['used', 'replaceable', 'run'])
    cpSync(tree('prepared'), tree(name), { recursive: true, verbatimSymlinks: true });
  write('trees/run/out/facts.txt', FACTS);
  write('trees/run/out/install.log', 'installed');
});

describe('the comparison of trees', () => {
  it('reports nothing for an unchanged tree', () => {
    expect(difference(() => writeAfter('etc/conf', 'a'))).toEqual([]);
    expect(out('facts.txt')).toMatch(/^purge\.compared\t7$/m);
    expect(out('purge.accounts.txt')).toBe('');
  });

  it.each<[string, () => void, string[]]>([
    ['a new file', () => writeAfter('etc/turn', 'x'), ['added /etc/turn']],
    ['a new folder', () => mkdirSync(join(tree('used'), 'var')), ['added /var']],
    ['other content of the same length', () => writeAfter('etc/conf', 'b'), ['changed /etc/conf']],
    [
      'other content of a file whose name has spaces',
      () => writeAfter('etc/name with spaces', 'b'),
      ['changed /etc/name with spaces'],
    ],
    ['another mode', () => chmodSync(join(tree('used'), 'empty'), 0o700), ['changed /empty']],
    ['a missing file', () => rmSync(join(tree('used'), 'etc/conf')), ['removed /etc/conf']],
    [
      'another link target',
      () => {
        rmSync(join(tree('used'), 'etc/link'));
        symlinkSync('gone', join(tree('used'), 'etc/link'));
      },
      ['changed /etc/link'],
    ],
    [
      'a link replaced by a file',
      () => {
        rmSync(join(tree('used'), 'etc/link'));
        writeAfter('etc/link', 'a');
      },
      ['changed /etc/link'],
    ],
    ['no change of a file of another package', () => writeAfter('usr/other', 'x'), []],
    ['a file in a folder of other packages', () => writeAfter('usr/own', 'x'), ['added /usr/own']],
    [
      'a program that shadows others',
      () => writeAfter('usr/local/bin/awk', 'x'),
      ['added /usr/local', 'added /usr/local/bin', 'added /usr/local/bin/awk'],
    ],
  ])('reports %s', (_, change, expected) => expect(difference(change)).toEqual(expected));

  it('reports the changes up to the distribution phase and those of that phase separately', () => {
    write('trees/run/out/facts.txt', `${FACTS}seconds.distribution\t2\n`);
    writeAfter('etc/left', 'x');
    write('trees/run/etc/late', 'x');
    write('trees/run/etc/passwd', 'root:x:0:0::/:/bin/sh\nturnserver:x:5:5::/:/bin/sh\n');
    compare();
    expect(changes('purge')).toEqual(['added /etc/left']);
    expect(changes('upgrade-purge')).toEqual(['added /etc/late', 'changed /etc/passwd']);
    expect(out('upgrade-purge.accounts.txt')).toBe('added\tpasswd\tturnserver:x:5:5::/:/bin/sh\n');
  });

  it('skips phases that did not run', () => {
    write('trees/run/out/facts.txt', 'install.exit\t0\n');
    compare();
    expect(readdirSync(join(dir, 'out')).sort()).toEqual(['facts.txt', 'install.log']);
  });

  it('ignores forged results in the trees', () => {
    const forged = 'purge.compared\t5000\nupgrade-purge.compared\t5000\n';
    write('trees/run/out/facts.txt', `${FACTS}${forged}`);
    write('trees/run/out/purge.changes.txt', '');
    write('trees/run/out/upgrade-purge.accounts.txt', '');
    write('trees/run/out/upgrade-purge.changes.txt', 'changed\t/var/log/dpkg.log\ta\tb\n');
    expect(difference(() => writeAfter('usr/sbin/left', 'x'))).toEqual([
      'added /usr/sbin',
      'added /usr/sbin/left',
    ]);
    expect(out('facts.txt')).toBe(`${FACTS}purge.compared\t10\n`);
    expect(readdirSync(join(dir, 'out')).sort()).toEqual([
      'facts.txt',
      'install.log',
      'purge.accounts.txt',
      'purge.changes.txt',
    ]);
  });

  it('ignores a list of files of other packages that a .deb may have forged', () => {
    const planted = () => {
      writeAfter('usr/local/bin/awk', 'x');
      writeAfter('tmp/owned', '/usr/local\n/usr/local/bin\n/usr/local/bin/awk\n');
    };
    expect(difference(planted, { FORMAT: 'deb' })).toEqual([
      'added /usr',
      'added /usr/local',
      'added /usr/local/bin',
      'added /usr/local/bin/awk',
    ]);
  });

  it('omits the tools of the build platform where they are mounted, and nothing else', () => {
    const change = () => {
      writeAfter('native/bin/find', 'x');
      writeAfter('usr/lib/x86_64-linux-gnu/libc.so.6', 'x');
      writeAfter('usr/lib/aarch64-linux-gnu/libturn.so', 'x');
    };
    const foreign = [
      'added /usr/lib',
      'added /usr/lib/aarch64-linux-gnu',
      'added /usr/lib/aarch64-linux-gnu/libturn.so',
    ];
    const NATIVE_TRIPLE = 'x86_64-linux-gnu';
    expect(difference(change, { TOOLS: 'native', NATIVE_TRIPLE })).toEqual(foreign);
    // If nothing is mounted, these folders are like any other.
    expect(difference(change, { TOOLS: 'own', NATIVE_TRIPLE })).toEqual([
      'added /native',
      'added /native/bin',
      'added /native/bin/find',
      ...foreign,
      'added /usr/lib/x86_64-linux-gnu',
      'added /usr/lib/x86_64-linux-gnu/libc.so.6',
    ]);
  });

  it('includes the files that package managers leave behind', () => {
    const paths = [
      'etc/rpm/macros.native',
      'repository/x',
      'turnbuild/x',
      'var/cache/apt/x',
      'var/cache/dnf/x',
      'var/lib/apt/x',
      'var/lib/rpm/x',
      'var/log/apt/x',
      'variants/x',
    ];
    for (const path of paths) writeAfter(path, 'x');
    for (const FORMAT of ['deb', 'rpm'])
      expect(difference(() => {}, { FORMAT }).filter((each) => /\/(x|macros.native)$/.test(each))).toEqual(
        paths.map((path) => `added /${path}`),
      );
  });

  const SUID = 'usr/local/sbin/su';
  it.each<[string, () => void, string[]]>([
    ['a tab', () => writeAfter('etc/conf\tX', 'x'), ['added ./etc/conf?X (control characters)']],
    [
      'a line break, followed by a line of the list',
      () => writeAfter(`etc/new\npath\tf 644 0:0\t/etc/conf`, 'x'),
      [
        'added ./etc/new?path?f 644 0:0? (control characters)',
        'added ./etc/new?path?f 644 0:0?/etc (control characters)',
        'added ./etc/new?path?f 644 0:0?/etc/conf (control characters)',
      ],
    ],
    [
      'a link target with a line break',
      () => {
        writeAfter(SUID, 'x');
        symlinkSync(`x\npath\tf 644 0:0\t/${SUID}\t`, join(tree('used'), 'etc/odd'));
      },
      ['added ./etc/odd (control characters)', 'added /usr/local', 'added /usr/local/sbin', `added /${SUID}`],
    ],
    [
      'a control character below the cache of debconf',
      () => writeAfter('var/cache/debconf/a\x7fb', 'x'),
      [
        'added ./var/cache/debconf/a?b (control characters)',
        'added /var',
        'added /var/cache',
        'added /var/cache/debconf',
      ],
    ],
  ])('reports a path that would confuse its lists: %s', (_, change, expected) =>
    expect(difference(change, { FORMAT: 'rpm' })).toEqual(expected),
  );

  it('handles non-ASCII names, and names that sha256sum escapes', () => {
    writeAfter('etc/Főtanúsítvány', 'a');
    for (const name of ['prepared', 'used']) write(`trees/${name}/etc/system\\x2d.slice`, 'a');
    expect(difference(() => writeAfter('etc/system\\x2d.slice', 'b'))).toEqual([
      'added /etc/Főtanúsítvány',
      'changed /etc/system\\x2d.slice',
    ]);
  });
});

describe('records of accounts show', () => {
  const SHADOW = 'root:*:20000:0:99999:7:::\ndaemon:$6$old:20000:0:99999:7:::\n';
  const records = (change: () => void): string[] => {
    write('trees/prepared/etc/shadow', SHADOW);
    writeAfter('etc/shadow', SHADOW);
    difference(change);
    return out('purge.accounts.txt')
      .split('\n')
      .filter((line) => line !== '');
  };

  it.each<[string, () => void, string[]]>([
    ['no change', () => {}, []],
    [
      'a second root',
      () => writeAfter('etc/passwd', 'root:x:0:0::/:/bin/sh\nturnserver:x:0:0::/:/bin/sh\n'),
      ['added\tpasswd\tturnserver:x:0:0::/:/bin/sh', 'shared\tpasswd\t0'],
    ],
    [
      'a second record of a name before the first',
      () => writeAfter('etc/passwd', 'root::0:0::/:/bin/bash\nroot:x:0:0::/:/bin/sh\n'),
      ['added\tpasswd\troot::0:0::/:/bin/bash', 'shared\tpasswd\troot', 'shared\tpasswd\t0'],
    ],
    [
      'a set password, without its hash',
      () => writeAfter('etc/shadow', SHADOW.replace('*', '$6$secret')),
      ['removed\tshadow\troot:*:(day):0:99999:7:::', 'added\tshadow\troot:(set):(day):0:99999:7:::'],
    ],
    [
      'a changed password, without its hash',
      () => writeAfter('etc/shadow', SHADOW.replace('old', 'new')),
      ['removed\tshadow\tdaemon:(set):(day):0:99999:7:::', 'added\tshadow\tdaemon:(set):(day):0:99999:7:::'],
    ],
    [
      'a malformed record, without its content, which may be a hash',
      () => writeAfter('etc/shadow', `${SHADOW}$6$secret\n`),
      ['added\tshadow\t(malformed)'],
    ],
    [
      'control characters, replaced by question marks',
      () => writeAfter('etc/group', 'turnserver:x:5:\0\r\n'),
      ['added\tgroup\tturnserver:x:5:??'],
    ],
    ['nothing for an old record in a backup', () => writeAfter('etc/shadow-', SHADOW), []],
    [
      'a new record in a backup',
      () => writeAfter('etc/passwd-', 'eve:x:0:0::/:/bin/sh\n'),
      ['added\tpasswd-\teve:x:0:0::/:/bin/sh'],
    ],
    [
      'subordinate user IDs',
      () => writeAfter('etc/subuid', 'turnserver:0:65536\n'),
      ['added\tsubuid\tturnserver:0:65536'],
    ],
  ])('%s', (_, change, expected) => expect(records(change)).toEqual(expected));

  it('no file behind a link, which is refused', () => {
    rmSync(join(tree('used'), 'etc/passwd'));
    symlinkSync('/etc/passwd', join(tree('used'), 'etc/passwd'));
    expect(refusal()).toMatch(/\/etc\/passwd of a container is not a regular file of at most 1 MiB/);
  });
});

describe('extended attributes', () => {
  const attribute = (tree: string, name: string, value: string) =>
    execFileSync('setfattr', ['-n', name, '-v', value, join(dir, 'trees', tree, 'etc/conf')]);
  const lines = () => out('purge.changes.txt');
  const STATE = /^changed\t\/etc\/conf\t(f 644 \d+:\d+ [0-9a-f]{64})\t(.*)$/m;

  it('are a change if their value differs', () => {
    attribute('prepared', 'user.x', '1');
    attribute('used', 'user.x', '2');
    compare();
    expect(lines()).toMatch(/\tf 644 \S+ \w+ \{user\.x=0x31\}\tf 644 \S+ \w+ \{user\.x=0x32\}\n/);
  });

  it('are not a change if they are equal', () => {
    for (const each of ['prepared', 'used']) attribute(each, 'user.x', '1');
    compare();
    expect(lines()).toBe('');
  });

  it('are not a change if dnf writes them to a package', () => {
    attribute('used', 'user.Librepo.checksum.sha256', '1');
    compare();
    expect(lines()).toBe('');
  });

  it('are compared for file names that getfattr escapes, too', () => {
    for (const each of ['prepared', 'used']) write(`trees/${each}/etc/a\\x2d=b`, 'a');
    execFileSync('setfattr', ['-n', 'user.x', '-v', '1', join(tree('used'), 'etc/a\\x2d=b')]);
    expect(difference(() => {})).toEqual(['changed /etc/a\\x2d=b']);
  });

  it.skipIf(process.getuid?.() !== 0)('include capabilities and access control lists', () => {
    // CAP_SETUID, as setcap(8) writes it.
    attribute('used', 'security.capability', '0x0100000280000000000000000000000000000000');
    compare();
    expect(STATE.exec(lines())?.[2]).toMatch(/ \{security\.capability=0x01000002800{30}\}$/);
    execFileSync('setfattr', ['-x', 'security.capability', join(tree('used'), 'etc/conf')]);
    execFileSync('setfacl', ['-m', 'u:nobody:rw', join(tree('used'), 'etc/conf')]);
    compare();
    expect(lines()).toContain(' {system.posix_acl_access=0x02');
  });

  it('are refused above the size limit', () => {
    write('bin/getfattr', '#!/bin/sh\nexec cat /dev/zero\n');
    chmodSync(join(dir, 'bin/getfattr'), 0o755);
    expect(refusal({ PATH: `${dir}/bin:${process.env.PATH}` })).toMatch(
      /Cannot read the extended attributes of a container's files/,
    );
  });
});

describe('links and caches tell whether they point to a known file:', () => {
  const link = (path: string, target: string) => {
    mkdirSync(dirname(join(tree('used'), path)), { recursive: true });
    symlinkSync(target, join(tree('used'), path));
  };
  const known = () =>
    out('purge.changes.txt')
      .split('\n')
      .filter((line) => line.endsWith('\tknown'))
      .map((line) => line.split('\t')[1]);

  it.each<[string, string, boolean]>([
    ['an existing file', '/etc/conf', true],
    ['an existing file, through other links', '../link', true],
    ['an existing file, through a link to a folder', '/folder/conf', true],
    ['a file of another package', '/usr/other', true],
    ['a new file', '/usr/local/bin/evil', false],
    ['no file', '/no/such', false],
    ['the link itself', '/etc/alternatives/x', false],
    ['a file that is not compared', '/tmp/evil', false],
    ['a folder', '/etc', false],
    ['variable data', '/var/x', false],
    ['a path above the root', '/../etc/conf', true],
  ])('%s', (_, target, expected) => {
    for (const each of ['prepared', 'used']) {
      write(`trees/${each}/var/x`, 'x');
      symlinkSync('etc', join(tree(each), 'folder'));
    }
    writeAfter('usr/other', 'x');
    writeAfter('usr/local/bin/evil', 'x');
    writeAfter('tmp/evil', 'x');
    link('etc/alternatives/x', target);
    link('usr/bin/x', '/etc/alternatives/x');
    compare();
    expect(known()).toEqual(expected ? ['/etc/alternatives/x', '/usr/bin/x'] : []);
  });

  const cache = (text: string, more: Record<string, string> = {}): boolean => {
    write('bin/ldconfig', `#!/bin/sh\ncat <<'END'\n${text}\nEND\n`);
    chmodSync(join(dir, 'bin/ldconfig'), 0o755);
    for (const each of ['prepared', 'used']) {
      write(`trees/${each}/usr/lib/x/libz.so.1.3`, 'x');
      symlinkSync('libz.so.1.3', join(tree(each), 'usr/lib/x/libz.so.1'));
      symlinkSync('usr/lib', join(tree(each), 'lib'));
    }
    writeAfter('usr/lib/x/libnew.so.1', 'x');
    writeAfter('etc/ld.so.cache', 'x');
    compare({ PATH: `${dir}/bin:${process.env.PATH}`, ...more });
    return known().includes('/etc/ld.so.cache');
  };
  const one = (line: string) => `1 libs found in cache \`x'\n\t${line}\nCache generated by: ldconfig`;
  it.each<[string, string, boolean]>([
    ['an existing library', one('libz.so.1 (libc6,x86-64) => /lib/x/libz.so.1'), true],
    ['a new library', one('libnew.so.1 (libc6,x86-64) => /usr/lib/x/libnew.so.1'), false],
    ['a library in another place', one('libz.so.1 (libc6,x86-64) => /tmp/libz.so.1'), false],
    ['another library under this name', one('libc.so.6 (libc6,x86-64) => /lib/x/libz.so.1'), false],
    ['a name that looks like an entry', one('a => /lib/x (libc6) => /lib/x/libz.so.1'), false],
    [
      'a library count above the number of entries',
      one('libz.so.1 (libc6) => /lib/x/libz.so.1').replace('1 libs', '2 libs'),
      false,
    ],
    ['an invalid list', '', false],
  ])("the dynamic linker's cache: %s", (_, text, expected) => expect(cache(text)).toBe(expected));

  it("the dynamic linker's cache: a mounted library in a foreign root", () =>
    expect(
      cache(one('libc.so.6 (libc6) => /lib/x86_64-linux-gnu/libc.so.6'), {
        TOOLS: 'native',
        NATIVE_TRIPLE: 'x86_64-linux-gnu',
      }),
    ).toBe(true));
});

describe('results', () => {
  const results = () => join(tree('run'), 'out');
  it.each<[string, () => void, RegExp]>([
    ['a link', () => symlinkSync('/etc/passwd', join(results(), 'link.log')), /link\.log, which is not/],
    ['a FIFO', () => void execFileSync('mkfifo', [join(results(), 'fifo.log')]), /fifo\.log, which is not/],
    [
      'a link below a folder',
      () => {
        mkdirSync(join(results(), 'dir.log'));
        symlinkSync('/dev/zero', join(results(), 'dir.log/zero'));
      },
      /dir\.log\/zero, which is not/,
    ],
    [
      'a sparse file of several gigabytes',
      () => execFileSync('truncate', ['-s', '2500M', join(results(), 'sparse.log')]),
      /more than 1000 bytes/,
    ],
    [
      'too many files',
      () => {
        for (let i = 0; i < 10_001; i++) writeFileSync(join(results(), `${i}.log`), '');
      },
      /more than 10000 files/,
    ],
    [
      'a name with a line break, which could forge a line of a log',
      () => write('trees/run/out/a\nturnbuild-error: FORGED: x', ''),
      /contain a\?turnbuild-error: FORGED: x, a name/,
    ],
    [
      'a link in place of their folder',
      () => {
        rmSync(results(), { recursive: true });
        symlinkSync('/etc', results());
      },
      /are not a folder/,
    ],
    [
      'a tree above the size limit',
      () => {
        writeAfter('etc/endless', '');
        execFileSync('truncate', ['-s', '1T', join(tree('used'), 'etc/endless')]);
      },
      /more than 16 GiB/,
    ],
    [
      'a FIFO as a list of accounts',
      () => {
        rmSync(join(tree('used'), 'etc/passwd'));
        execFileSync('mkfifo', [join(tree('used'), 'etc/passwd')]);
      },
      /\/etc\/passwd of a container is not a regular file of at most 1 MiB/,
    ],
    [
      'a FIFO as a list of files',
      () => {
        rmSync(join(tree('used'), 'tmp/owned'));
        execFileSync('mkfifo', [join(tree('used'), 'tmp/owned')]);
      },
      /list of installed files/,
    ],
  ])('with %s are refused before anything is copied', (_, plant, message) => {
    plant();
    const said = refusal();
    expect(said).toMatch(/^turnbuild-error: RESULT_UNSAFE: .*\n$/);
    expect(said).toMatch(message);
    if (existsSync(join(dir, 'out'))) expect(readdirSync(join(dir, 'out'))).not.toContain('sparse.log');
  });
});
