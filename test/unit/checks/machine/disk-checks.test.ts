import { describe, expect, it } from 'vitest';
import { judgeImage } from '../../../../src/checks/machine/check.ts';
import { diskChecks, diskChecksFor, lacksSsmAgent } from '../../../../src/checks/machine/disk-checks.ts';
import {
  type DiskEntry,
  type DiskFacts,
  type InstalledPackage,
  parseTree,
} from '../../../../src/checks/machine/disk-facts.ts';

const EPOCH = 1_670_102_496;
const entry = (path: string, more: Partial<DiskEntry> = {}): DiskEntry => ({
  type: 'f',
  mode: 0o644,
  uid: 0,
  gid: 0,
  bytes: 1000,
  links: 1,
  modified: EPOCH,
  path,
  link: '',
  ...more,
});
const installed = (name: string, version: string, status = 'ii'): InstalledPackage => ({
  name,
  version,
  architecture: 'amd64',
  source: name,
  sourceVersion: version,
  status,
});
const SBOM = {
  components: [
    { name: 'coturn', version: '4.6.1+turnbuild-1~deb13', purl: 'pkg:deb/turnbuild/coturn@4.6.1' },
    { name: 'libc6', version: '2.41-12', purl: 'pkg:deb/debian/libc6@2.41-12?distro=debian-13' },
    { name: 'stdlib', version: '1.24.4', purl: 'pkg:golang/stdlib@1.24.4' },
  ],
};
const HEALTHY: DiskFacts = {
  cloud: 'aws',
  entries: [
    entry('', { type: 'd', mode: 0o755 }),
    entry('etc/machine-id', { mode: 0o444, bytes: 0 }),
    entry('etc/resolv.conf', { type: 'l', mode: 0o777, link: '../run/systemd/resolve/stub-resolv.conf' }),
    entry('etc/systemd/system/multi-user.target.wants/amazon-ssm-agent.service', { type: 'l' }),
    entry('tmp', { type: 'd', mode: 0o1777 }),
    entry('usr/bin/passwd', { mode: 0o4755 }),
    entry('usr/bin/turn-agent', { mode: 0o755 }),
    entry('usr/bin/turnserver', { mode: 0o755 }),
    entry('usr/lib/systemd/systemd', { mode: 0o755 }),
    entry('var/cache/apt/archives/partial', { type: 'd', mode: 0o700, uid: 42 }),
    entry('var/log/journal', { type: 'd', mode: 0o755 }),
  ],
  unread: [],
  owners: [],
  installed: [
    installed('amazon-ssm-agent', '3.3'),
    installed('coturn', '4.6.1+turnbuild-1~deb13'),
    installed('libc6', '2.41-12'),
  ],
  passwords: [
    { database: 'shadow', name: 'root', state: 'locked' },
    { database: 'shadow', name: 'turnserver', state: 'locked' },
    { database: 'gshadow', name: 'root', state: 'empty' },
  ],
  users: [
    { name: 'root', uid: 0, password: 'x', shell: '/bin/bash' },
    { name: 'sync', uid: 4, password: 'x', shell: '/bin/sync' },
    { name: '_apt', uid: 42, password: 'x', shell: '/usr/sbin/nologin' },
    { name: 'turnserver', uid: 999, password: 'x', shell: '/bin/false' },
  ],
  groups: [{ name: 'root', gid: 0 }],
  keys: [],
  configurations: new Map([['usr-lib-turn-agent-base.conf', '#static-auth-secret=north\nlog-file=stdout\n']]),
  disk: new Map([
    ['clean', 'yes'],
    ['blocks', '200000'],
    ['free', '140000'],
    ['overhead', '10000'],
    ['block-bytes', '4096'],
    ['boot-bytes', '12000000'],
  ]),
  epoch: EPOCH,
  maxUsedMiB: 250,
  sbom: JSON.stringify({
    components: [...SBOM.components, { name: 'amazon-ssm-agent', version: '3.3', purl: 'pkg:deb/x' }],
  }),
};

const withEntries = (...more: DiskEntry[]): DiskFacts => ({
  ...HEALTHY,
  entries: [...HEALTHY.entries, ...more],
});
const withEntry = (path: string, more: Partial<DiskEntry>): DiskFacts => ({
  ...HEALTHY,
  entries: HEALTHY.entries.map((each) => (each.path === path ? { ...each, ...more } : each)),
});
const without = (path: string): DiskFacts => ({
  ...HEALTHY,
  entries: HEALTHY.entries.filter((each) => each.path !== path),
});
const withPath = (path: string) => withEntries(entry(path));
const withValue = (name: string, value: string): DiskFacts => ({
  ...HEALTHY,
  disk: new Map([...HEALTHY.disk, [name, value]]),
});
const withShell = (name: string, shell: string, uid = 1000): DiskFacts => ({
  ...HEALTHY,
  users: [...HEALTHY.users, { name, uid, password: 'x', shell }],
});
const withPassword = (database: string, state: string): DiskFacts => ({
  ...HEALTHY,
  passwords: [...HEALTHY.passwords, { database, name: 'admin', state }],
});
const withConfiguration = (text: string): DiskFacts => ({
  ...HEALTHY,
  configurations: new Map([['usr-lib-turn-agent-base.conf', text]]),
});

const GNUTLS = 'usr/lib/x86_64-linux-gnu/libgnutls.so.30.40.3';

/** For each check: planted faults, and the words by which its message names them. */
const PLANTED: Record<string, [fault: string, facts: DiskFacts, words: string][]> = {
  'image.files': [
    ['a device node', withEntries(entry('dev/null', { type: 'c' })), 'device, pipe or socket: dev/null'],
    ['a missing turnserver', without('usr/bin/turnserver'), 'missing: usr/bin/turnserver'],
    ['an empty disk', { ...HEALTHY, entries: [] }, 'missing: usr/bin/turnserver'],
    ['a name with a line break', { ...HEALTHY, unread: ['b'] }, 'unreadable name: b'],
  ],
  'image.identity': [
    [
      'an SSH host key',
      withPath('etc/ssh/ssh_host_ed25519_key'),
      'SSH host key: etc/ssh/ssh_host_ed25519_key',
    ],
    ['a machine-id', withEntry('etc/machine-id', { bytes: 33 }), '/etc/machine-id has 33 bytes'],
    ['no file for the machine-id', without('etc/machine-id'), 'there is no file /etc/machine-id'],
    ['a machine-id of D-Bus', withPath('var/lib/dbus/machine-id'), 'var/lib/dbus/machine-id'],
    ['a random seed', withPath('var/lib/systemd/random-seed'), 'random data of one machine'],
    ['a credential key', withPath('var/lib/systemd/credential.secret'), 'random data of one machine'],
    ["the build container's name", withPath('etc/hostname'), 'name of one machine: etc/hostname'],
    ['a DHCP lease', withPath('var/lib/dhcp/dhclient.leases'), 'address of one machine'],
  ],
  'image.credentials': [
    ['a private key', { ...HEALTHY, keys: ['srv/key.pem'] }, 'private key or access key: srv/key.pem'],
    [
      'a key in a library that another package has',
      { ...HEALTHY, keys: [GNUTLS], owners: [{ name: 'evil', path: GNUTLS }] },
      `private key or access key: ${GNUTLS}`,
    ],
    ['an authorized key', withPath('opt/x/.ssh/authorized_keys'), 'authorized SSH key'],
    ["a user's key", withPath('srv/.ssh/id_ed25519'), 'SSH key: srv/.ssh/id_ed25519'],
    ['credentials of AWS', withPath('opt/.aws/credentials'), 'credentials: opt/.aws/credentials'],
    ['credentials of Google', withPath('opt/.config/gcloud/x.db'), 'credentials: opt/.config/gcloud/x.db'],
    ['credentials of Docker', withPath('opt/.docker/config.json'), 'credentials: opt/.docker'],
    ['a .netrc', withPath('opt/.netrc'), 'credentials: opt/.netrc'],
    ['credentials of apt', withPath('etc/apt/auth.conf.d/x.conf'), 'credentials of a package archive'],
  ],
  'image.passwords': [
    ['a password', withPassword('shadow', 'password'), 'admin (set, /etc/shadow)'],
    ['an empty password', withPassword('shadow', 'empty'), 'admin (empty, /etc/shadow)'],
    ["a group's password", withPassword('gshadow', 'password'), 'admin (set, /etc/gshadow)'],
    [
      'a password in /etc/passwd',
      { ...HEALTHY, users: [...HEALTHY.users, { name: 'old', uid: 5, password: '', shell: '/bin/false' }] },
      'account with a password in /etc/passwd: old',
    ],
    ['an unread file', { ...HEALTHY, passwords: [] }, 'unknown'],
  ],
  'image.accounts': [
    ['a user with a shell', withShell('admin', '/bin/bash'), 'account with a login shell: admin (/bin/bash)'],
    ['a user with the default shell', withShell('admin', ''), 'admin (/bin/sh)'],
    ['another root', withShell('toor', '/bin/false', 0), 'account with the rights of root: toor'],
    ['an unread file', { ...HEALTHY, users: [] }, 'unknown'],
  ],
  'image.secrets': [
    ['a secret', withConfiguration('static-auth-secret=Zb5k2uD1Yw8m\n'), 'sets a secret: static-auth-secret'],
    ['a user', withConfiguration('user=ann:0x1\n'), 'sets a secret: user'],
    ['an example secret', withConfiguration('server-name=north\n'), 'well-known example secret: server-name'],
    ['a placeholder', withConfiguration('realm=<your-realm>\n'), 'placeholder: realm'],
    ['no configuration', { ...HEALTHY, configurations: new Map() }, 'is missing'],
  ],
  'image.permissions': [
    ['a writable file', withEntries(entry('etc/x', { mode: 0o666 })), 'world-writable: etc/x'],
    ['a folder without sticky bit', withEntry('tmp', { mode: 0o777 }), 'world-writable: tmp'],
    [
      "a builder's owner",
      withEntries(entry('etc/x', { uid: 1000 })),
      'owner or group without an account: etc/x',
    ],
    [
      "a builder's group",
      withEntries(entry('etc/x', { gid: 1000 })),
      'owner or group without an account: etc/x',
    ],
  ],
  'image.setuid': [
    ['setuid', withEntries(entry('usr/bin/x', { mode: 0o4755 })), 'usr/bin/x (4755)'],
    ['setgid', withEntries(entry('usr/bin/x', { mode: 0o2755 })), 'usr/bin/x (2755)'],
    ['sudo without SSH', withEntries(entry('usr/bin/sudo', { mode: 0o4755 })), 'usr/bin/sudo (4755)'],
  ],
  'image.leftovers': [
    ['a history', withPath('opt/.bash_history'), 'history: opt/.bash_history'],
    ['a temporary file', withPath('tmp/x'), 'temporary file: tmp/x'],
    ['a temporary file to keep', withPath('var/tmp/x'), 'temporary file: var/tmp/x'],
    ['the folder of the recipes', withPath('turnbuild'), 'folder of the build: turnbuild'],
    ['the lent tools', withPath('native/bin'), 'folder of the build: native/bin'],
    ['policy-rc.d', withPath('usr/sbin/policy-rc.d'), 'file of a container'],
    ['package lists', withPath('var/lib/apt/lists/x'), 'package list'],
    ['a cache', withPath('var/cache/ldconfig'), 'cache: var/cache/ldconfig'],
    ['a cached package', withPath('var/cache/apt/archives/x.deb'), 'cache: var/cache/apt/archives/x.deb'],
    ['a log', withPath('var/log/dpkg.log'), 'log: var/log/dpkg.log'],
    ['a backup', withPath('etc/shadow-'), 'backup: etc/shadow-'],
    ["the builder's mirror", withPath('etc/apt/sources.list.d/x.sources'), 'package archive of the build'],
    ["the builder's settings", withPath('etc/dpkg/dpkg.cfg.d/99turnbuild'), 'setting of the build'],
    ["the builder's proxy", withPath('etc/apt/apt.conf.d/00proxy'), 'proxy of the build'],
    ['a file of root', withPath('root/.bashrc'), 'file in a home folder'],
    ['a second kernel', withPath('boot/vmlinuz-6.12'), 'kernel beside the unified kernel image'],
    ["the builder's resolver", withEntry('etc/resolv.conf', { type: 'f' }), '/etc/resolv.conf is not'],
    ['another resolver', withEntry('etc/resolv.conf', { link: '/etc/x' }), '/etc/resolv.conf is not'],
    ['an unfinished operation', withPath('etc/x.dpkg-new'), 'unfinished package operation'],
  ],
  'image.dates': [
    [
      'a new file',
      withEntries(entry('etc/x', { modified: EPOCH + 1 })),
      'newer than 2022-12-03T21:21:36.000Z: etc/x',
    ],
  ],
  'image.size': [
    ['a large file system', withValue('free', '120000'), 'uses 273 MiB, more than 250 MiB'],
    ['an error', withValue('clean', 'no'), 'e2fsck reports errors'],
    ['no figures', { ...HEALTHY, disk: new Map([['clean', 'yes']]) }, 'unknown'],
  ],
  'image.packages': [
    [
      'a package that is not listed',
      { ...HEALTHY, installed: [...HEALTHY.installed, installed('sudo', '1')] },
      'not in the bill of materials: sudo',
    ],
    [
      'another version',
      { ...HEALTHY, installed: [installed('libc6', '2.41-13')] },
      'not in the bill of materials: libc6',
    ],
    [
      'an unfinished installation',
      { ...HEALTHY, installed: [...HEALTHY.installed, installed('libc6', '2.41-12', 'iF')] },
      'not fully installed: libc6 (iF)',
    ],
    [
      "no Go's standard library",
      { ...HEALTHY, sbom: JSON.stringify({ components: SBOM.components.slice(0, 2) }) },
      "Go's standard library",
    ],
    [
      'a package URL that no scanner understands',
      {
        ...HEALTHY,
        installed: HEALTHY.installed.slice(1),
        sbom: JSON.stringify({
          components: SBOM.components.map((each) => ({ ...each, purl: each.purl.replace(/\?.*/, '') })),
        }),
      },
      'package URL without a distribution: libc6',
    ],
    ['no package', { ...HEALTHY, installed: [] }, 'unknown'],
  ],
  'image.administration': [
    [
      'an SSM agent that does not start',
      without('etc/systemd/system/multi-user.target.wants/amazon-ssm-agent.service'),
      'not enabled',
    ],
  ],
};

const results = (facts: DiskFacts) => new Map(judgeImage(diskChecks, facts).map((each) => [each.id, each]));

describe('the checks of a disk', () => {
  it('pass for a clean disk', () => {
    for (const { id, status, message } of results(HEALTHY).values())
      expect(status, `${id}: ${message}`).toBe('passed');
  });

  it('each have a planted fault', () => {
    expect(Object.keys(PLANTED).sort()).toEqual(diskChecks.map(({ id }) => id).sort());
  });

  const faults = Object.entries(PLANTED).flatMap(([id, list]) => list.map((each) => [id, ...each] as const));
  it.each(faults)('%s fails on %s', (id, _fault, facts, words) => {
    const result = results(facts).get(id);
    expect(result?.status).toBe('failed');
    expect(result?.message).toContain(words);
  });

  it('of files are blocked if the list of files is incomplete', () => {
    const all = results({ ...HEALTHY, entries: [] });
    for (const id of ['identity', 'credentials', 'permissions', 'setuid', 'leftovers', 'dates'])
      expect(all.get(`image.${id}`), id).toMatchObject({ status: 'blocked', blockedBy: 'image.files' });
  });

  it("accept the keys of GnuTLS's self-test, and an empty folder for credentials of apt", () => {
    const facts = {
      ...withEntries(entry('etc/apt/auth.conf.d', { type: 'd', mode: 0o755 })),
      keys: [GNUTLS],
      owners: [{ name: 'libgnutls30t64', path: GNUTLS }],
    };
    expect(results(facts).get('image.credentials')?.status).toBe('passed');
  });

  it('accept sudo beside an SSH server', () => {
    const facts = withEntries(entry('usr/bin/sudo', { mode: 0o4755 }));
    const withSsh = { ...facts, installed: [...facts.installed, installed('openssh-server', '1')] };
    expect(results(withSsh).get('image.setuid')?.status).toBe('passed');
  });

  it("accept the shell of SSH's administrator on EC2 only", () => {
    const admin = { name: 'admin', uid: 1000, password: 'x', shell: '/bin/bash' };
    const facts = { ...HEALTHY, users: [...HEALTHY.users, admin] };
    const withSsh = { ...facts, installed: [...facts.installed, installed('openssh-server', '1')] };
    const statusOf = (each: DiskFacts) => results(each).get('image.accounts')?.status;
    expect(statusOf(withSsh)).toBe('passed');
    expect(statusOf({ ...withSsh, cloud: 'gce' })).toBe('failed');
    expect(statusOf(facts)).toBe('failed');
  });

  it('name at most 20 paths', () => {
    const many = Array.from({ length: 30 }, (_, index) => entry(`tmp/${index}`));
    expect(results(withEntries(...many)).get('image.leftovers')?.message).toMatch(/tmp\/19 and 10 more$/);
  });

  it('ask for the SSM agent only on EC2', () => {
    const idsFor = (cloud: 'aws' | 'gce') => diskChecksFor(cloud).map(({ id }) => id);
    expect(idsFor('aws')).toEqual(diskChecks.map(({ id }) => id));
    expect(idsFor('aws').filter((id) => !idsFor('gce').includes(id))).toEqual(['image.administration']);
  });

  it('say that an image for EC2 has no SSM agent', () => {
    const bare = { ...HEALTHY, installed: HEALTHY.installed.slice(1) };
    expect(results(bare).get('image.administration')).toMatchObject({
      status: 'not-applicable',
      message: expect.stringContaining('no SSM agent'),
    });
    expect(lacksSsmAgent(bare)).toBe(true);
    expect(lacksSsmAgent(HEALTHY)).toBe(false);
    expect(lacksSsmAgent({ ...bare, cloud: 'gce' })).toBe(false);
  });
});

describe('parseTree', () => {
  it('reads every field', () => {
    expect(
      parseTree('f\t4755\t0\t42\t59\t2\t-1\tusr/bin/a b\t\nl\t777\t0\t0\t1\t1\t9\tx\ty\n').entries,
    ).toEqual([
      entry('usr/bin/a b', { mode: 0o4755, gid: 42, bytes: 59, links: 2, modified: -1 }),
      entry('x', { type: 'l', mode: 0o777, bytes: 1, modified: 9, link: 'y' }),
    ]);
  });

  it.each([
    'half of a name',
    'f\t644\t0\t0\t1\t1\tsoon\tetc/x\t',
    'f\t9\t0\t0\t1\t1\t1\tetc/x\t',
    'f\t644\t0\t0\t1\t1\t1\ta\tb\tc',
  ])('reports the line "%s"', (line) => {
    expect(parseTree(`${line}\n`)).toEqual({ entries: [], unread: [line] });
  });
});
