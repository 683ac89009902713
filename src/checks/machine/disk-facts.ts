import type { Cloud } from '../../recipe/machine.ts';

/** A file, folder or other entry of the root file system. */
export interface DiskEntry {
  /** As in find(1): `f` file, `d` folder, `l` symbolic link, `b` and `c` devices, `p` pipe, `s` socket. */
  type: string;
  mode: number;
  uid: number;
  gid: number;
  bytes: number;
  /** Number of names. */
  links: number;
  /** Unix seconds. */
  modified: number;
  /** Relative to the root, which is empty. */
  path: string;
  /** Target of a symbolic link. */
  link: string;
}

/** A package of the image. `boot`: not installed, but a part of the boot loader or the initrd. */
export interface InstalledPackage {
  name: string;
  version: string;
  architecture: string;
  source: string;
  sourceVersion: string;
  status: string;
}

/** The disk of an image before its first boot: recipes/docker/machine/scan.sh. */
export interface DiskFacts {
  cloud: Cloud;
  entries: readonly DiskEntry[];
  /** Lines of the listing that could not be read. */
  unread: readonly string[];
  /** Package -> paths of its files. */
  owners: readonly { name: string; path: string }[];
  installed: readonly InstalledPackage[];
  passwords: readonly { database: string; name: string; state: string }[];
  users: readonly { name: string; uid: number; password: string; shell: string }[];
  groups: readonly { name: string; gid: number }[];
  /** Paths of files with a private key or an access key of a cloud. */
  keys: readonly string[];
  /** Configuration files: name -> text. */
  configurations: ReadonlyMap<string, string>;
  /** Names and values of disk.txt. */
  disk: ReadonlyMap<string, string>;
  /** SOURCE_DATE_EPOCH. */
  epoch: number;
  maxUsedMiB: number;
  /** Text of the image's bill of materials. */
  sbom: string;
}

/** Whether an image has an SSH server. */
export function hasSsh({ installed }: Pick<DiskFacts, 'installed'>): boolean {
  return installed.some(({ name }) => name === 'openssh-server');
}

const linesOf = (text: string) => text.split('\n').filter((line) => line !== '');

/** tree.txt -> entries, and the lines that are not entries: a name may contain a line break. */
export function parseTree(text: string): Pick<DiskFacts, 'entries' | 'unread'> {
  const entries: DiskEntry[] = [];
  const unread: string[] = [];
  for (const line of linesOf(text)) {
    const [type = '', ...rest] = line.split('\t');
    const [mode = '', uid, gid, bytes, links, modified, path = '', link = '', ...more] = rest;
    const [owner, group, size, names, seconds] = [uid, gid, bytes, links, modified].map((word) =>
      /^-?\d+$/.test(word ?? '') ? Number(word) : undefined,
    );
    const known = owner !== undefined && group !== undefined && size !== undefined && seconds !== undefined;
    if (!known || names === undefined || !/^[0-7]+$/.test(mode) || more.length > 0) unread.push(line);
    else
      entries.push({
        type,
        mode: Number.parseInt(mode, 8),
        uid: owner,
        gid: group,
        bytes: size,
        links: names,
        modified: seconds,
        path,
        link,
      });
  }
  return { entries, unread };
}

/** Lines `PACKAGE<tab>/PATH`. Paths of Debian's old layout are those of the merged one. */
export function parseOwners(text: string): DiskFacts['owners'] {
  return linesOf(text).map((line) => {
    const [name = '', path = ''] = line.split('\t');
    return { name, path: path.replace(/^\//, '').replace(/^(bin|sbin|lib|lib64)\//, 'usr/$1/') };
  });
}

/** Lines `NAME VERSION ARCHITECTURE SOURCE SOURCE-VERSION STATUS`, sorted. */
export function parseInstalled(text: string): InstalledPackage[] {
  return linesOf(text)
    .map((line) => {
      const [name = '', version = '', architecture = '', source = '', sourceVersion = '', status = ''] = line
        .trim()
        .split(/\s+/);
      return { name, version, architecture, source, sourceVersion, status };
    })
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** Lines `DATABASE NAME STATE`. */
export function parsePasswords(text: string): DiskFacts['passwords'] {
  return linesOf(text).map((line) => {
    const [database = '', name = '', state = ''] = line.split(' ');
    return { database, name, state };
  });
}

/** passwd(5) */
export function parseUsers(text: string): DiskFacts['users'] {
  return linesOf(text).map((line) => {
    const [name = '', password = '', uid, , , , shell = ''] = line.split(':');
    return { name, password, uid: Number(uid), shell };
  });
}

/** group(5) */
export function parseGroups(text: string): DiskFacts['groups'] {
  return linesOf(text).map((line) => {
    const [name = '', , gid] = line.split(':');
    return { name, gid: Number(gid) };
  });
}

/** Lines `NAME VALUE`. */
export function parseValues(text: string): ReadonlyMap<string, string> {
  return new Map(linesOf(text).map((line) => line.split(' ', 2) as [string, string]));
}
