import { about } from './about.ts';
import { type DiskEntry, type DiskFacts, hasSsh } from './disk-facts.ts';

const pathsOf = ({ entries }: DiskFacts, is: (entry: DiskEntry) => boolean) =>
  entries.filter(is).map(({ path }) => path);

/** A check that some patterns match no path. */
function absent(patterns: readonly (readonly [pattern: RegExp, what: string])[]) {
  return (facts: DiskFacts): string[] =>
    patterns.flatMap(([pattern, what]) =>
      about(
        pathsOf(facts, ({ path }) => pattern.test(path)),
        what,
      ),
    );
}

const IDENTITY = absent([
  [/^etc\/ssh\/ssh_host_/, 'SSH host key'],
  [/^var\/lib\/systemd\/(random-seed|credential\.secret)$/, 'random data of one machine'],
  [/^var\/lib\/dbus\/machine-id$/, 'machine-id'],
  [/^etc\/hostname$/, 'name of one machine'],
  [/^var\/lib\/(dhcp|dhcpcd|systemd\/network|NetworkManager)\/.*lease/, 'address of one machine'],
]);

/** Complaints about what makes a machine unique. */
export function judgeIdentity(facts: DiskFacts): string[] {
  const id = facts.entries.find(({ path }) => path === 'etc/machine-id');
  const own =
    id?.type !== 'f'
      ? ['there is no file /etc/machine-id']
      : id.bytes === 0
        ? []
        : [`/etc/machine-id has ${id.bytes} bytes (expected an empty file)`];
  return [...own, ...IDENTITY(facts)];
}

const CREDENTIALS = absent([
  [/(^|\/)authorized_keys2?$/, 'authorized SSH key'],
  [/(^|\/)\.ssh\/id_[^/]*$/, 'SSH key'],
  [/(^|\/)(\.netrc|_netrc|\.pgpass|\.my\.cnf|\.git-credentials|\.npmrc|\.pypirc)$/, 'credentials'],
  [/(^|\/)\.(aws|azure|docker|kube|gnupg)(\/|$)/, 'credentials'],
  [/(^|\/)\.config\/gcloud(\/|$)/, 'credentials'],
  [/^etc\/apt\/auth\.conf(\.d\/.|$)/, 'credentials of a package archive'],
  [/^etc\/ssl\/private\/./, 'private key'],
]);

/** GnuTLS tests itself with keys that are published in its sources. */
const SELF_TEST = /^usr\/lib\/[^/]+\/libgnutls\.so\.[\d.]+$/;

/** Complaints about credentials and private keys. */
export function judgeCredentials(facts: DiskFacts): string[] {
  const gnutls = new Set(
    facts.owners.flatMap(({ name, path }) =>
      name.startsWith('libgnutls') && SELF_TEST.test(path) ? [path] : [],
    ),
  );
  return [
    ...CREDENTIALS(facts),
    ...about(
      facts.keys.filter((path) => !gnutls.has(path)),
      'private key or access key',
    ),
  ];
}

/** Traces of the container in which the image was built. */
const LEFTOVERS = absent([
  [/(^|\/)\.[a-z_]*(history|lesshst|viminfo|wget-hsts)$/, 'history'],
  [/^(tmp|var\/tmp|run|proc|sys|dev)\/./, 'temporary file'],
  [/^(turnbuild|native|inputs|image|target)(\/|$)/, 'folder of the build'],
  [/^\.dockerenv$|^usr\/sbin\/policy-rc\.d$/, 'file of a container'],
  [/^var\/lib\/apt\/lists\/./, 'package list'],
  [/^var\/cache\/(?!apt(\/archives(\/partial)?)?$)./, 'cache'],
  [/^var\/log\/(?!journal$)./, 'log'],
  [/^var\/lib\/dpkg\/[^/]*-old$|^etc\/[^/]*-$/, 'backup'],
  [/^etc\/apt\/(sources\.list$|sources\.list\.d\/.)/, 'package archive of the build'],
  [/^etc\/(apt\/apt\.conf\.d|dpkg\/dpkg\.cfg\.d)\/(99turnbuild|docker)/, 'setting of the build'],
  [/^etc\/apt\/apt\.conf\.d\/[^/]*proxy/i, 'proxy of the build'],
  [/^(root|home)\/./, 'file in a home folder'],
  [/^boot\/./, 'kernel beside the unified kernel image'],
  [/\.(dpkg|ucf)-(new|old|dist|tmp)$/, 'unfinished package operation'],
]);

/** Complaints about traces of the build. */
export function judgeLeftovers(facts: DiskFacts): string[] {
  const resolver = facts.entries.find(({ path }) => path === 'etc/resolv.conf');
  const linked = resolver?.type === 'l' && resolver.link.endsWith('run/systemd/resolve/stub-resolv.conf');
  return [...LEFTOVERS(facts), ...(linked ? [] : ["/etc/resolv.conf is not systemd-resolved's"])];
}

const SET_ID = 0o6000;
const STICKY = 0o1000;
const FOR_ALL = 0o002;

/** Programs of Debian that run with the rights of their owner or group, and the SSH server's. */
const EXPECTED_SET_ID = new Set([
  ...['chage', 'chfn', 'chsh', 'expiry', 'gpasswd', 'mount', 'newgrp', 'passwd', 'su', 'umount'].map(
    (name) => `usr/bin/${name}`,
  ),
  'usr/bin/ssh-agent',
  'usr/lib/dbus-1.0/dbus-daemon-launch-helper',
  'usr/lib/openssh/ssh-keysign',
  'usr/sbin/unix_chkpwd',
]);

/** Administrators who log in by SSH have no password, and become root by sudo. */
const SUDO = 'usr/bin/sudo';

/** Complaints about unexpected setuid and setgid programs. */
export function judgeSetId(facts: DiskFacts): string[] {
  const isExpected = (path: string) => EXPECTED_SET_ID.has(path) || (path === SUDO && hasSsh(facts));
  const strange = facts.entries.filter(
    ({ type, mode, path }) => type === 'f' && (mode & SET_ID) !== 0 && !isExpected(path),
  );
  return about(
    strange.map(({ path, mode }) => `${path} (${mode.toString(8)})`),
    'unexpected setuid or setgid program',
  );
}

/** Complaints about world-writable files, and files whose owner or group does not exist. */
export function judgePermissions(facts: DiskFacts): string[] {
  const { users, groups } = facts;
  const writable = pathsOf(
    facts,
    ({ type, mode }) => type !== 'l' && (mode & FOR_ALL) !== 0 && !(type === 'd' && (mode & STICKY) !== 0),
  );
  const [uids, gids] = [new Set(users.map(({ uid }) => uid)), new Set(groups.map(({ gid }) => gid))];
  const orphans = pathsOf(facts, ({ uid, gid }) => !uids.has(uid) || !gids.has(gid));
  return [...about(writable, 'world-writable'), ...about(orphans, 'owner or group without an account')];
}

/** Complaints about files that are newer than the release. */
export function judgeDates(facts: DiskFacts): string[] {
  const { epoch } = facts;
  return about(
    pathsOf(facts, ({ modified }) => modified > epoch),
    `newer than ${new Date(epoch * 1000).toISOString()}`,
  );
}

/** Complaints about the list of files itself. */
export function judgeListing(facts: DiskFacts): string[] {
  const { entries, unread } = facts;
  // Every check of files would pass if none were listed.
  const missing = ['usr/bin/turnserver', 'usr/bin/turn-agent', 'usr/lib/systemd/systemd'].filter(
    (path) => !entries.some((entry) => entry.path === path),
  );
  const devices = pathsOf(facts, ({ type }) => !['f', 'd', 'l'].includes(type));
  return [
    ...about(unread, 'unreadable name'),
    ...about(missing, 'missing'),
    ...about(devices, 'device, pipe or socket'),
  ];
}
