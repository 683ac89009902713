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

describe('the comparison of two trees', () => {
  it('finds nothing in a tree that has not changed', () => {
    expect(difference(() => writeAfter('etc/conf', 'a'))).toEqual([]);
    expect(out('facts.txt')).toMatch(/^purge\.compared\t7$/m);
    expect(out('purge.accounts.txt')).toBe('');
  });

  it.each<[string, () => void, string[]]>([
    ['a new file', () => writeAfter('etc/turn', 'x'), ['added /etc/turn']],
    ['a new folder', () => mkdirSync(join(tree('used'), 'var')), ['added /var']],
    ['other contents of the same length', () => writeAfter('etc/conf', 'b'), ['changed /etc/conf']],
    [
      'contents of a file with spaces',
      () => writeAfter('etc/name with spaces', 'b'),
      ['changed /etc/name with spaces'],
    ],
    ['another mode', () => chmodSync(join(tree('used'), 'empty'), 0o700), ['changed /empty']],
    ['a file that is gone', () => rmSync(join(tree('used'), 'etc/conf')), ['removed /etc/conf']],
    [
      'another target',
      () => {
        rmSync(join(tree('used'), 'etc/link'));
        symlinkSync('gone', join(tree('used'), 'etc/link'));
      },
      ['changed /etc/link'],
    ],
    [
      'a link that has become a file',
      () => {
        rmSync(join(tree('used'), 'etc/link'));
        writeAfter('etc/link', 'a');
      },
      ['changed /etc/link'],
    ],
    ['files of other packages are theirs', () => writeAfter('usr/other', 'x'), []],
    ['files among them are not', () => writeAfter('usr/own', 'x'), ['added /usr/own']],
    [
      'a program in the way of others',
      () => writeAfter('usr/local/bin/awk', 'x'),
      ['added /usr/local', 'added /usr/local/bin', 'added /usr/local/bin/awk'],
    ],
  ])('%s', (_, change, expected) => expect(difference(change)).toEqual(expected));

  it('is of what was done before the distribution, and of that, each by itself', () => {
    write('trees/run/out/facts.txt', `${FACTS}seconds.distribution\t2\n`);
    writeAfter('etc/left', 'x');
    write('trees/run/etc/late', 'x');
    write('trees/run/etc/passwd', 'root:x:0:0::/:/bin/sh\nturnserver:x:5:5::/:/bin/sh\n');
    compare();
    expect(changes('purge')).toEqual(['added /etc/left']);
    expect(changes('upgrade-purge')).toEqual(['added /etc/late', 'changed /etc/passwd']);
    expect(out('upgrade-purge.accounts.txt')).toBe('added\tpasswd\tturnserver:x:5:5::/:/bin/sh\n');
  });

  it('is not made of what was not done', () => {
    write('trees/run/out/facts.txt', 'install.exit\t0\n');
    compare();
    expect(readdirSync(join(dir, 'out')).sort()).toEqual(['facts.txt', 'install.log']);
  });

  it('does not listen to what the trees say of it', () => {
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

  it('does not believe what a .deb may have written about files of other packages', () => {
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

  it("leaves out the build platform's tools where they are mounted, and nothing beside them", () => {
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

  it('has what package managers leave of themselves', () => {
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
      'a line break, and another line of the list after it',
      () => writeAfter(`etc/new\npath\tf 644 0:0\t/etc/conf`, 'x'),
      [
        'added ./etc/new?path?f 644 0:0? (control characters)',
        'added ./etc/new?path?f 644 0:0?/etc (control characters)',
        'added ./etc/new?path?f 644 0:0?/etc/conf (control characters)',
      ],
    ],
    [
      'a link to one',
      () => {
        writeAfter(SUID, 'x');
        symlinkSync(`x\npath\tf 644 0:0\t/${SUID}\t`, join(tree('used'), 'etc/odd'));
      },
      ['added ./etc/odd (control characters)', 'added /usr/local', 'added /usr/local/sbin', `added /${SUID}`],
    ],
    [
      'a folder of one that no exception is made for',
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

  it('takes names of other languages, and those that sha256sum escapes, as any other', () => {
    writeAfter('etc/Főtanúsítvány', 'a');
    for (const name of ['prepared', 'used']) write(`trees/${name}/etc/system\\x2d.slice`, 'a');
    expect(difference(() => writeAfter('etc/system\\x2d.slice', 'b'))).toEqual([
      'added /etc/Főtanúsítvány',
      'changed /etc/system\\x2d.slice',
    ]);
  });
});

describe('records of accounts', () => {
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
    ['nothing', () => {}, []],
    [
      'a second root',
      () => writeAfter('etc/passwd', 'root:x:0:0::/:/bin/sh\nturnserver:x:0:0::/:/bin/sh\n'),
      ['added\tpasswd\tturnserver:x:0:0::/:/bin/sh', 'shared\tpasswd\t0'],
    ],
    [
      'a second record of a name, before the first',
      () => writeAfter('etc/passwd', 'root::0:0::/:/bin/bash\nroot:x:0:0::/:/bin/sh\n'),
      ['added\tpasswd\troot::0:0::/:/bin/bash', 'shared\tpasswd\troot', 'shared\tpasswd\t0'],
    ],
    [
      'a password, of which the hash is not told',
      () => writeAfter('etc/shadow', SHADOW.replace('*', '$6$secret')),
      ['removed\tshadow\troot:*:(day):0:99999:7:::', 'added\tshadow\troot:(set):(day):0:99999:7:::'],
    ],
    [
      'another password',
      () => writeAfter('etc/shadow', SHADOW.replace('old', 'new')),
      ['removed\tshadow\tdaemon:(set):(day):0:99999:7:::', 'added\tshadow\tdaemon:(set):(day):0:99999:7:::'],
    ],
    [
      'a record of another form, which may be a hash',
      () => writeAfter('etc/shadow', `${SHADOW}$6$secret\n`),
      ['added\tshadow\t(malformed)'],
    ],
    [
      'a character that ends no line, but may do so elsewhere',
      () => writeAfter('etc/group', 'turnserver:x:5:\0\r\n'),
      ['added\tgroup\tturnserver:x:5:??'],
    ],
    ['an old record in a backup', () => writeAfter('etc/shadow-', SHADOW), []],
    [
      'another one in a backup',
      () => writeAfter('etc/passwd-', 'eve:x:0:0::/:/bin/sh\n'),
      ['added\tpasswd-\teve:x:0:0::/:/bin/sh'],
    ],
    [
      'numbers of users for containers',
      () => writeAfter('etc/subuid', 'turnserver:0:65536\n'),
      ['added\tsubuid\tturnserver:0:65536'],
    ],
  ])('%s', (_, change, expected) => expect(records(change)).toEqual(expected));

  it('are read from no link', () => {
    rmSync(join(tree('used'), 'etc/passwd'));
    symlinkSync('/etc/passwd', join(tree('used'), 'etc/passwd'));
    expect(refusal()).toMatch(/\/etc\/passwd of a container is not a regular file of at most 1 MiB/);
  });
});

describe('attributes', () => {
  const attribute = (tree: string, name: string, value: string) =>
    execFileSync('setfattr', ['-n', name, '-v', value, join(dir, 'trees', tree, 'etc/conf')]);
  const lines = () => out('purge.changes.txt');
  const STATE = /^changed\t\/etc\/conf\t(f 644 \d+:\d+ [0-9a-f]{64})\t(.*)$/m;

  it('of another value are a change', () => {
    attribute('prepared', 'user.x', '1');
    attribute('used', 'user.x', '2');
    compare();
    expect(lines()).toMatch(/\tf 644 \S+ \w+ \{user\.x=0x31\}\tf 644 \S+ \w+ \{user\.x=0x32\}\n/);
  });

  it('that are the same are none', () => {
    for (const each of ['prepared', 'used']) attribute(each, 'user.x', '1');
    compare();
    expect(lines()).toBe('');
  });

  it('that dnf writes to a package are none', () => {
    attribute('used', 'user.Librepo.checksum.sha256', '1');
    compare();
    expect(lines()).toBe('');
  });

  it('of files whose names getfattr escapes are seen as well', () => {
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

  it('of more bytes than can be compared are refused', () => {
    write('bin/getfattr', '#!/bin/sh\nexec cat /dev/zero\n');
    chmodSync(join(dir, 'bin/getfattr'), 0o755);
    expect(refusal({ PATH: `${dir}/bin:${process.env.PATH}` })).toMatch(
      /Cannot read the extended attributes of a container's files/,
    );
  });
});

describe('what something leads to', () => {
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
    ['a file that was there', '/etc/conf', true],
    ['one by other links', '../link', true],
    ['one through a link to a folder', '/folder/conf', true],
    ["another package's", '/usr/other', true],
    ['a new one', '/usr/local/bin/evil', false],
    ['nothing', '/no/such', false],
    ['itself', '/etc/alternatives/x', false],
    ['a file that is not compared', '/tmp/evil', false],
    ['a folder', '/etc', false],
    ['variable data', '/var/x', false],
    ['a file above the root', '/../etc/conf', true],
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
    ['a library that was there', one('libz.so.1 (libc6,x86-64) => /lib/x/libz.so.1'), true],
    ['a new library', one('libnew.so.1 (libc6,x86-64) => /usr/lib/x/libnew.so.1'), false],
    ['a library in another place', one('libz.so.1 (libc6,x86-64) => /tmp/libz.so.1'), false],
    ['another library by this name', one('libc.so.6 (libc6,x86-64) => /lib/x/libz.so.1'), false],
    ['a name that looks like an entry', one('a => /lib/x (libc6) => /lib/x/libz.so.1'), false],
    ['more than is listed', one('libz.so.1 (libc6) => /lib/x/libz.so.1').replace('1 libs', '2 libs'), false],
    ['a list that is none', '', false],
  ])("the dynamic linker's cache: %s", (_, text, expected) => expect(cache(text)).toBe(expected));

  it('is a library that is mounted, in a foreign root', () =>
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
      'a link beneath a folder',
      () => {
        mkdirSync(join(results(), 'dir.log'));
        symlinkSync('/dev/zero', join(results(), 'dir.log/zero'));
      },
      /dir\.log\/zero, which is not/,
    ],
    [
      'a sparse file that would be gigabytes on the disk of the user',
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
      'a name with a line break, which would be two lines of a log',
      () => write('trees/run/out/a\nturnbuild-error: FORGED: x', ''),
      /contain a\?turnbuild-error: FORGED: x, a name/,
    ],
    [
      'a folder that a link leads to',
      () => {
        rmSync(results(), { recursive: true });
        symlinkSync('/etc', results());
      },
      /are not a folder/,
    ],
    [
      'a root of more than can be read',
      () => {
        writeAfter('etc/endless', '');
        execFileSync('truncate', ['-s', '1T', join(tree('used'), 'etc/endless')]);
      },
      /more than 16 GiB/,
    ],
    [
      'a list of accounts that never ends',
      () => {
        rmSync(join(tree('used'), 'etc/passwd'));
        execFileSync('mkfifo', [join(tree('used'), 'etc/passwd')]);
      },
      /\/etc\/passwd of a container is not a regular file of at most 1 MiB/,
    ],
    [
      'a list of files that never ends',
      () => {
        rmSync(join(tree('used'), 'tmp/owned'));
        execFileSync('mkfifo', [join(tree('used'), 'tmp/owned')]);
      },
      /list of installed files/,
    ],
  ])('%s is refused before anything is copied', (_, plant, message) => {
    plant();
    const said = refusal();
    expect(said).toMatch(/^turnbuild-error: RESULT_UNSAFE: .*\n$/);
    expect(said).toMatch(message);
    if (existsSync(join(dir, 'out'))) expect(readdirSync(join(dir, 'out'))).not.toContain('sparse.log');
  });
});
