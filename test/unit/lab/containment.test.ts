import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { asUser, mapsFor } from '../../../src/lab/containment.ts';
import { requireGroup } from '../../../src/lab/control-groups.ts';
import { accountOf, readInstalled, recordInstalled, resolveBeneath } from '../../../src/lab/installed.ts';
import { ruleLine } from '../../../src/lab/scenarios/metadata-rules.ts';

describe('the users of a package', () => {
  it('map to host ids that are reserved for containers', () => {
    const { text, root } = mapsFor('         0          0 4294967295\n');
    const [inside, outside, count] = text.trim().split(' ').map(Number);
    expect([inside, outside]).toEqual([0, root]);
    expect(root).toBeGreaterThan(524_288);
    expect(root + (count ?? 0)).toBeLessThan(1_879_048_192);
  });

  it('map to themselves if the engine already uses a user namespace', () => {
    expect(mapsFor('0 100000 65536\n')).toEqual({ text: '0 0 65536\n', root: 0 });
    expect(mapsFor('0 1000 1\n1 100000 65536\n')).toEqual({ text: '0 0 1\n1 1 65536\n', root: 0 });
  });

  it('run turnserver with numeric ids and without capabilities', () => {
    const words = asUser({ holder: 5, root: 1 }, 9, { uid: 101, groups: [102, 110] });
    expect(words.join(' ')).toBe(
      'nsenter --user=/proc/5/ns/user --net=/proc/9/ns/net -- capsh --chroot=/target --drop=all --no-new-privs --gid=102 --groups=102,110 --uid=101',
    );
  });
});

describe('accountOf', () => {
  const passwd = 'root:x:0:0::/root:/bin/bash\nturnserver:x:101:102::/:/bin/false\n';
  const group = 'root:x:0:\nturnserver:x:102:\nssl-cert:x:110:www,turnserver\nother:x:7:turnserver2\n';

  it('reads the id of a user and those of all of its groups', () =>
    expect(accountOf('turnserver', { passwd, group })).toEqual({ uid: 101, groups: [102, 110] }));

  it.each([
    ['root under another name', passwd.replace('101', '0'), /"turnserver" has uid 0/],
    ['root with a zero-padded id', passwd.replace('101', '000'), /has uid 0/],
    ['missing', 'root:x:0:0::/:/bin/sh\n', /has not created the account "turnserver"/],
    ['without a numeric id', passwd.replace('101', 'x'), /has not created the account/],
    ['with a negative id', passwd.replace('101', '-0'), /has not created the account/],
  ])('refuses an account: %s', (_, text, message) =>
    expect(() => accountOf('turnserver', { passwd: text, group })).toThrow(message),
  );
});

describe('a file of the installed root', () => {
  const dir = mkdtempSync(join(tmpdir(), 'turnbuild-installed-'));
  afterAll(() => rmSync(dir, { recursive: true, force: true }));
  const root = join(dir, 'root');
  mkdirSync(join(root, 'usr/lib'), { recursive: true });
  writeFileSync(join(dir, 'secret'), 'of the container');
  writeFileSync(join(root, 'usr/lib/unit'), 'of the package');
  symlinkSync('usr/lib', join(root, 'lib'));
  symlinkSync('/usr/lib/unit', join(root, 'absolute'));
  symlinkSync('../../../../../usr/lib/unit', join(root, 'usr/lib/climbing'));
  symlinkSync('../secret', join(root, 'out'));
  symlinkSync(join(dir, 'secret'), join(root, 'absolutely-out'));
  symlinkSync('circle', join(root, 'circle'));

  it.each(['/usr/lib/unit', '/lib/unit', '/absolute', '/usr/lib/climbing', '/usr/../lib/./unit'])(
    'is found inside that root: %s',
    (path) => expect(readInstalled(path, root)).toBe('of the package'),
  );

  it.each(['/out', '/absolutely-out', '/../secret'])('is never a file of the container: %s', (path) =>
    expect(() => readInstalled(path, root)).toThrow(/ENOENT/),
  );

  it('must not be a circular link', () =>
    expect(() => resolveBeneath(root, '/circle')).toThrow(/too many links/));

  it('is recorded once and not read again', () => {
    writeFileSync(join(root, 'usr/lib/changing'), 'at first');
    const installed = recordInstalled(['/usr/lib/changing', '/usr/lib', '/missing', '/out'], root);
    rmSync(join(root, 'usr/lib/changing'));
    symlinkSync(join(dir, 'secret'), join(root, 'usr/lib/changing'));
    writeFileSync(join(root, 'missing'), 'now');
    expect(installed.read('/usr/lib/changing')).toBe('at first');
    expect(installed.has('/missing')).toBe(false);
    expect(() => installed.read('/missing')).toThrow(/ENOENT/);
    expect(installed.has('/usr/lib')).toBe(true);
    expect(() => installed.read('/usr/lib')).toThrow(/is not a regular file/);
    expect(() => installed.read('/usr/lib/unit')).toThrow(/was not recorded/);
  });

  it('must be a regular file', () =>
    expect(() => readInstalled('/usr/lib', root)).toThrow(/is not a regular file/));
});

describe('ruleLine', () => {
  it('formats the networks that systemd reports', () => {
    expect(ruleLine('IPAddressDeny', 'fd00:ec2::254/128 169.254.169.254/32\n')).toEqual([
      'IPAddressDeny=fd00:ec2::254/128 169.254.169.254/32',
    ]);
    expect(ruleLine('IPAddressDeny', '0.0.0.0/0 ::/0')).toEqual(['IPAddressDeny=0.0.0.0/0 ::/0']);
    expect(ruleLine('IPAddressAllow', '')).toEqual([]);
  });

  it.each(['1.2.3.4/32\nExecStartPre=/bin/sh', '%h', '1.2.3.4/x', '1.2.3.4/1/2', '~'])(
    'refuses anything but networks: %j',
    (value) => expect(() => ruleLine('IPAddressDeny', value)).toThrow(/which is not a network/),
  );
});

describe('the control group of a unit', () => {
  it.each([
    '/system.slice/coturn.service',
    '/system.slice/system-getty.slice/getty@tty1.service',
    '/a\\x2db.slice',
  ])('may be %s', (path) => expect(requireGroup(path)).toBe(path));

  it.each([
    '',
    '/',
    'a',
    '/../../proc-whole/sys',
    '/a/..',
    '/a/./b',
    '/a;reboot',
    '/$(reboot)',
    '/a b',
    '/a\nb',
  ])('must not be %j, because a contained systemd may report anything', (path) =>
    expect(() => requireGroup(path)).toThrow('is not a control group'),
  );
});
