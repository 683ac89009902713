import { expectValues, value } from './check.ts';
import type { PackageFacts } from './facts.ts';

/** SHA-256 of an empty file. */
const EMPTY = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';

/** One difference between two snapshots; `before` and `after` are kind, mode, owner, and digest or target. */
export interface TreeChange {
  kind: 'added' | 'removed' | 'changed';
  path: string;
  before: string;
  after: string;
}

/** Differences that aren't the package's, each with the reason. What has the package's name in its path never is. */
const EXCEPTIONS: { path: RegExp; only?: (change: TreeChange) => boolean; reason: string }[] = [
  {
    path: /^\/etc\/(passwd|group|shadow|gshadow|subuid|subgid)-?$|^\/etc\/\.pwd\.lock$/,
    reason: 'the account stays: its number must not go to somebody else. That it is the only one is asserted',
  },
  { path: /^\/etc\/ld\.so\.cache$|^\/var\/cache\/ldconfig\//, reason: 'lists the libraries of dependencies' },
  {
    path: /^\/var\/lib\/dpkg\/(status|diversions|triggers\/\w+)(-old)?$|^\/var\/lib\/dpkg\/statoverride-old$/,
    reason: "dpkg's records of all packages",
  },
  {
    path: /^\/var\/lib\/dpkg\/statoverride$/,
    only: ({ after }) => after.endsWith(` ${EMPTY}`),
    reason: 'dpkg leaves an empty one when the last override is gone',
  },
  { path: /^\/var\/log\/(dpkg|alternatives)\.log$/, reason: "dpkg's own logs" },
  { path: /^\/var\/cache\/debconf\//, reason: "debconf's own, of dependencies" },
  {
    path: /^\/etc\/alternatives\/|^\/var\/lib\/dpkg\/alternatives\//,
    reason: 'alternatives of dependencies: my.cnf of libmariadb, telnet of the distribution',
  },
  {
    path: /^\//,
    only: ({ kind, after }) => kind === 'added' && /^l .* \/etc\/alternatives\/[^/]+$/.test(after),
    reason: 'the links to them',
  },
  {
    path: /^\/etc\/(inputrc|networks)$/,
    only: ({ kind }) => kind === 'added',
    reason: 'made by the scripts of readline-common and netbase',
  },
  {
    path: /^\/etc\/init\.d$/,
    only: ({ kind, after }) => kind === 'added' && after.startsWith('d '),
    reason:
      "the distribution's coturn has an init script; the folder is empty here, and others' everywhere else",
  },
];

/** Reads the lines of a comparison (recipes/docker/verify/trees.sh): kind, path, before, after, with tabs between. */
export function parseChanges(text: string): TreeChange[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const [kind = '', path = '', before = '', after = ''] = line.split('\t');
      return { kind: kind as TreeChange['kind'], path, before, after };
    });
}

/** Whether a difference is none of the package's. */
function isExcepted(
  change: TreeChange,
  { exceptions, own }: { exceptions: typeof EXCEPTIONS; own: RegExp },
): boolean {
  return (
    !own.test(change.path) &&
    exceptions.some(({ path, only }) => path.test(change.path) && (only?.(change) ?? true))
  );
}

/** What rpm leaves by its own rules: what the server itself has made, and what the accounts and the records of packages need. */
const RPM_EXCEPTIONS: typeof EXCEPTIONS = [
  ...EXCEPTIONS,
  {
    path: /^\/var\/lib\/coturn(\/turndb)?$/,
    reason: 'accounts of users: data is never erased with a program',
  },
  { path: /^\/var\/log\/coturn$/, reason: 'logs' },
  { path: /^\/var\/log\/(dnf|hawkey)[\w.]*$/, reason: "dnf's own logs" },
];

/** As `judgeTree`, by rpm's rules: there is no purge. */
export function judgeRpmTree(facts: PackageFacts, name: string): ReturnType<typeof judgeTree> {
  return judgeChanges(facts, name, {
    account: 'coturn',
    exceptions: RPM_EXCEPTIONS,
    own: /^(?!\/var\/(lib|log)\/coturn).*turn/i,
  });
}

/** A comparison of the whole tree: complaints, how many paths were compared, and how many differences are of others. */
export function judgeTree(
  facts: PackageFacts,
  name: string,
): { found: string[]; paths: number; excepted: number } {
  return judgeChanges(facts, name, { account: 'turnserver', exceptions: EXCEPTIONS, own: /turn/i });
}

/** @param rules `own`: paths that are never excepted; `account`: the one that may have been added */
function judgeChanges(
  facts: PackageFacts,
  name: string,
  rules: { account: string; exceptions: typeof EXCEPTIONS; own: RegExp },
): { found: string[]; paths: number; excepted: number } {
  const text = facts.files.get(`${name}.changes.txt`);
  const paths = Number(value(facts, `${name}.compared`)) || 0;
  const changes = parseChanges(text ?? '');
  const own = changes.filter((change) => !isExcepted(change, rules));
  const found = own.map(
    ({ kind, path, before, after }) =>
      `${name}: ${path} is ${kind === 'removed' ? 'gone' : kind}${kind === 'changed' ? ` (${before} -> ${after})` : ''}`,
  );
  // A minimal root has more than this; and apt's log alone makes a difference.
  if (text === undefined || paths < 1000 || changes.length === 0)
    found.push(`${name}: the trees were not compared`);
  // It stays after the first purge, so the second comparison begins with it.
  const account = name === 'purge' ? rules.account : '';
  found.push(...expectValues(facts, { [`${name}.accounts`]: account }));
  return { found, paths, excepted: changes.length - own.length };
}
