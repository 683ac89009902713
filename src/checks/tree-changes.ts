import { accountComplaints } from './account-changes.ts';
import { value } from './check.ts';
import type { PackageFacts } from './facts.ts';

/** SHA-256 of an empty file. */
const EMPTY = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';

/** One difference between two snapshots; `before` and `after` are kind, mode, owner, digest or target, and extended attributes. */
export interface TreeChange {
  kind: 'added' | 'removed' | 'changed';
  path: string;
  before: string;
  after: string;
  /** For a link or the dynamic linker's cache: its targets existed before, or belong to another package. */
  known: boolean;
}

/** A path that may differ as long as the file stays harmless. */
interface Exception {
  path: RegExp;
  /** Allowed state after the change: kind, mode, owner, and the rest. */
  after: RegExp;
  only?: (change: TreeChange) => boolean;
  /** The path may also be removed. */
  passing?: true;
  reason: string;
}

/** States of root's regular, non-executable files without extended attributes. */
const PUBLIC = /^f (600|644) 0:0 [0-9a-f]{64}$/;
const SECRET = /^f (0|600|640) 0:(0|42) [0-9a-f]{64}$/;
const PLAIN = /^f (600|640|644) 0:(0|4) [0-9a-f]{64}$/;
/** A symlink owned by root. */
const LINK = /^l 777 0:0 [^{]+$/;

/** Kind, mode and owner. */
const ownership = (state: string) => state.split(' ').slice(0, 3).join(' ');
const keepsOwnership = ({ kind, before, after }: TreeChange) =>
  kind === 'changed' && ownership(before) === ownership(after);

/** Differences that the package did not cause, each with the reason. A path with the package's name is never excepted. */
const EXCEPTIONS: Exception[] = [
  {
    path: /^\/etc\/(passwd|group|subuid|subgid)$/,
    after: PUBLIC,
    only: keepsOwnership,
    reason: 'the account stays, because its id must not be reused. Each record is judged separately',
  },
  { path: /^\/etc\/g?shadow$/, after: SECRET, only: keepsOwnership, reason: 'as above' },
  {
    path: /^\/etc\/(passwd|group|subuid|subgid)-$/,
    after: PUBLIC,
    reason: 'backup made before such a change',
  },
  { path: /^\/etc\/g?shadow-$/, after: SECRET, reason: 'backup made before such a change' },
  {
    path: /^\/etc\/\.pwd\.lock$/,
    after: new RegExp(`^f 600 0:0 ${EMPTY}$`),
    reason: 'lock for such a change',
  },
  {
    path: /^\/etc\/ld\.so\.cache$/,
    after: /^f 644 0:0 [0-9a-f]{64}$/,
    only: ({ known }) => known,
    reason: 'lists the libraries of dependencies',
  },
  { path: /^\/var\/cache\/ldconfig\/aux-cache$/, after: PUBLIC, reason: 'written with ld.so.cache' },
];

/** Paths that dpkg and apt leave behind. Dependencies are installed before the first snapshot, so their files are never among the changes. */
const DEB_EXCEPTIONS: Exception[] = [
  ...EXCEPTIONS,
  {
    path: /^\/var\/lib\/dpkg\/((status|diversions|statoverride)-old|triggers\/\w+(-old)?)$/,
    after: PLAIN,
    reason:
      "dpkg's backups, and triggers. The records themselves must be unchanged: one can hold back another package",
  },
  {
    path: /^\/var\/lib\/dpkg\/statoverride$/,
    after: new RegExp(`^f 644 0:0 ${EMPTY}$`),
    reason: 'dpkg leaves an empty file after the last override is removed',
  },
  {
    path: /^\/var\/log\/(dpkg|alternatives)\.log$|^\/var\/log\/apt\/(history|term|eipp)\.log(\.xz)?$/,
    after: PLAIN,
    reason: 'logs of dpkg and apt',
  },
  {
    path: /^\/var\/cache\/apt\/(src)?pkgcache\.bin$/,
    after: PLAIN,
    reason: "apt's index of its lists and of dpkg's records, which must be unchanged",
  },
  {
    path: /^\/var\/cache\/apt\/archives\/lock$/,
    after: new RegExp(`^f 640 0:0 ${EMPTY}$`),
    reason: 'created by the first download',
  },
  {
    path: /^\/var\/cache\/debconf\/(config|passwords|templates)\.dat(-old)?$/,
    after: PUBLIC,
    reason: 'records of debconf',
  },
  {
    path: /^\/etc\/init\.d$/,
    after: /^d 755 0:0 $/,
    only: ({ kind }) => kind === 'added',
    reason:
      "the distribution's coturn has an init script; the folder is empty here, and on real systems belongs to other packages",
  },
];

/** Parses the lines of a comparison (recipes/docker/verify/trees.sh): kind, path, before, after and `known`, separated by tabs. */
export function parseChanges(text: string): TreeChange[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const [kind = '', path = '', before = '', after = '', known = ''] = line.split('\t');
      return { kind: kind as TreeChange['kind'], path, before, after, known: known === 'known' };
    });
}

/** Whether a difference is excepted. */
function isExcepted(
  change: TreeChange,
  { exceptions, own }: { exceptions: readonly Exception[]; own: RegExp },
): boolean {
  return (
    !own.test(change.path) &&
    exceptions.some(
      ({ path, after, only, passing }) =>
        path.test(change.path) &&
        (change.kind === 'removed' ? passing === true : after.test(change.after)) &&
        (only?.(change) ?? true),
    )
  );
}

/** A folder owned by a system account, not writable by others. */
const OWN_FOLDER = /^d 7[0-7][0-5] [1-9]\d{2}:[1-9]\d{2} $/;

/** Paths that rpm leaves by design: files created by the server, accounts and package records. */
const RPM_EXCEPTIONS: Exception[] = [
  ...EXCEPTIONS,
  {
    path: /^\/var\/lib\/coturn$/,
    after: OWN_FOLDER,
    reason: 'user accounts: erasing a program never erases data',
  },
  {
    path: /^\/var\/lib\/coturn\/turndb$/,
    after: /^f 6[0-6][0-4] [1-9]\d{2}:[1-9]\d{2} [0-9a-f]{64}$/,
    reason: 'as above',
  },
  { path: /^\/var\/log\/coturn$/, after: OWN_FOLDER, reason: 'logs' },
  { path: /^\/var\/log\/(dnf|hawkey)[\w.]*$/, after: PLAIN, reason: 'logs of dnf' },
  {
    path: /^\/var\/lib\/(rpm\/rpmdb|dnf\/history)\.sqlite$|^\/var\/lib\/rpm\/\.rpm\.lock$/,
    after: PLAIN,
    reason: 'records of rpm and dnf, with those of dependencies',
  },
  {
    path: /^\/var\/lib\/(rpm\/rpmdb|dnf\/history)\.sqlite-(shm|wal)$/,
    after: PLAIN,
    passing: true,
    reason: 'exists while a database is open',
  },
  {
    path: /^\/var\/cache\/dnf\/[^/]+(\/(repodata|packages)(\/[^/]+)?)?$/,
    after: new RegExp(`${PLAIN.source}|^d 755 0:0 $`),
    passing: true,
    reason: 'metadata of repositories',
  },
  {
    path: /^\/etc\/alternatives\/[^/]+$/,
    after: LINK,
    only: ({ kind, known }) => kind === 'added' && known,
    reason: 'alternatives of dependencies, which dnf installs together with the package',
  },
  {
    path: /^\/(usr\/)?s?bin\/[^/]+$|^\/usr\/share\/man\//,
    after: /^l 777 0:0 \/etc\/alternatives\/[^/{]+$/,
    only: ({ kind, known }) => kind === 'added' && known,
    reason: 'links to them. In other folders a link may have effects: systemd starts what is linked',
  },
];

/** Like `judgeTree`, with rpm's rules: rpm has no purge. */
export function judgeRpmTree(facts: PackageFacts, name: string): ReturnType<typeof judgeTree> {
  return judgeChanges(facts, name, {
    account: 'coturn',
    exceptions: RPM_EXCEPTIONS,
    own: /^(?!\/var\/(lib|log)\/coturn).*turn/i,
  });
}

/** Compares the whole tree: complaints, the number of compared paths and the number of excepted differences. */
export function judgeTree(
  facts: PackageFacts,
  name: string,
): { found: string[]; paths: number; excepted: number } {
  return judgeChanges(facts, name, { account: 'turnserver', exceptions: DEB_EXCEPTIONS, own: /turn/i });
}

/** @param rules `own`: paths that are never excepted; `account`: the account that may be added */
function judgeChanges(
  facts: PackageFacts,
  name: string,
  rules: { account: string; exceptions: readonly Exception[]; own: RegExp },
): { found: string[]; paths: number; excepted: number } {
  const text = facts.files.get(`${name}.changes.txt`);
  const paths = Number(value(facts, `${name}.compared`)) || 0;
  const changes = parseChanges(text ?? '');
  const own = changes.filter((change) => !isExcepted(change, rules));
  const found = own.map(
    ({ kind, path, before, after }) =>
      `${name}: ${path} was ${kind}${kind === 'changed' ? ` (${before} -> ${after})` : ''}`,
  );
  // A minimal root has more paths than this, and apt's log always differs.
  if (text === undefined || paths < 1000 || changes.length === 0)
    found.push(`${name}: the trees were not compared`);
  // The account stays after the first purge, so the second comparison starts with it.
  const account = name === 'purge' ? rules.account : undefined;
  const accounts = accountComplaints(facts.files.get(`${name}.accounts.txt`), account);
  found.push(...accounts.map((each) => `${name}: ${each}`));
  return { found, paths, excepted: changes.length - own.length };
}
