import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { chownSync, lstatSync, mkdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { type Account, TARGET } from './installed.ts';
import { NoNamespaces } from './no-namespaces.ts';

/** The installed root as the image has it; the servers get a copy, whose owners are the namespace's. */
export const INSTALLED = '/installed';
/**
 * What root is on the host, and how many users there are. In the range that systemd leaves to containers (524288 to 1879048191,
 * https://systemd.io/UIDS-GIDS), far from what other programs take first.
 */
const USERS = { base: 1_000_000_000, count: 65_536 };
/** All users of a machine: the count in the map of a process that is in no user namespace but the first. */
const EVERYBODY = 4_294_967_295;
const WHOLE_PROC = '/proc-whole';
/** Filled by mounts, or by nodes of devices, which can't be made here. */
const NOT_COPIED = ['./proc/*', './sys/*', './dev/*'];
/** What tar says of a device node, which nothing here needs. */
const NO_NODE = /Cannot mknod: Operation not permitted$|^tar: Exiting with failure status/;

/**
 * Where everything of the package runs: in a user namespace whose root is nobody on the host. The package chooses its accounts, its
 * programs and its unit, so it may well be root in there; then it still can't write what belongs to the host's root, /proc/sys included.
 */
export interface Containment {
  /** Process that holds the namespace. */
  holder: number;
  /** What its root is in the container. */
  root: number;
}

/**
 * Makes the namespace, and the copy of the installed root for it.
 * @throws NoNamespaces
 */
export async function contain(): Promise<Containment> {
  const child = spawn('unshare', ['--user', '--', 'sleep', 'infinity'], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const holder = await begun(child, 'user');
  const maps = mapsFor(readFileSync('/proc/self/uid_map', 'utf8'));
  try {
    for (const file of ['uid_map', 'gid_map']) writeFileSync(`/proc/${holder}/${file}`, maps.text);
  } catch (error) {
    throw new NoNamespaces(`users of a namespace can't be mapped: ${String(error)}`);
  }
  showProcesses();
  const containment = { holder, root: maps.root };
  copyInstalled(containment);
  return containment;
}

/**
 * The map of the namespace's users, as in user_namespaces(7). An engine that already keeps its containers in a user namespace has no more
 * users to give: then they stay what they are, for its root is nobody on the host, either.
 * @param own /proc/self/uid_map
 */
export function mapsFor(own: string): { text: string; root: number } {
  const lines = own
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+/).map(Number));
  const [[, , count = 0] = []] = lines;
  if (count === EVERYBODY) return { text: `0 ${USERS.base} ${USERS.count}\n`, root: USERS.base };
  return { text: lines.map(([inside, , some]) => `${inside} ${inside} ${some}\n`).join(''), root: 0 };
}

/** Words before a command that run it as the namespace's root. */
export function within({ holder }: Pick<Containment, 'holder'>): string[] {
  return ['nsenter', `--user=/proc/${holder}/ns/user`, '--'];
}

/**
 * Words before a program of the package that run it beneath its root as one of its users: by number, with no capability and no way to
 * any, whatever its files say.
 */
export function asUser({ holder }: Containment, network: number, { uid, groups }: Account): string[] {
  return [
    ...['nsenter', `--user=/proc/${holder}/ns/user`, `--net=/proc/${network}/ns/net`, '--'],
    ...['capsh', `--chroot=${TARGET}`, '--drop=all', '--no-new-privs'],
    ...[`--gid=${groups[0]}`, `--groups=${groups.join(',')}`, `--uid=${uid}`],
  ];
}

/** Waits until a process that was started by unshare is in a namespace of its own. @throws NoNamespaces with what unshare said */
export async function begun(child: ReturnType<typeof spawn>, kind: 'user' | 'net'): Promise<number> {
  const own = readlinkSync(`/proc/self/ns/${kind}`);
  let errors = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    errors += chunk.toString();
  });
  for (let waited = 0; waited < 400; waited++) {
    if (child.exitCode !== null) throw new NoNamespaces(`unshare --${kind}: ${errors.trim()}`);
    if (child.pid !== undefined && ![own, ''].includes(namespaceOf(child.pid, kind))) {
      child.unref();
      return child.pid;
    }
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  throw new NoNamespaces(`unshare --${kind} did not come up within 10 s`);
}

function namespaceOf(pid: number, kind: string): string {
  try {
    return readlinkSync(`/proc/${pid}/ns/${kind}`);
  } catch {
    return '';
  }
}

/**
 * A process namespace in there needs a /proc of its own, and the kernel gives it one only where a whole one is in sight: the container's
 * own is masked. Where an engine's user namespace forbids it, systemd says so later.
 */
function showProcesses(): void {
  mkdirSync(WHOLE_PROC);
  spawnSync('mount', ['-t', 'proc', 'proc', WHOLE_PROC]);
}

/** The namespace's root unpacks what the container's root reads, so that each file gets the owner that it has, of the namespace. */
function copyInstalled(containment: Containment): void {
  mkdirSync(TARGET);
  chownSync(TARGET, containment.root, containment.root);
  const common = '--numeric-owner --xattrs --xattrs-include=security.capability';
  const excluded = NOT_COPIED.map((path) => `--exclude='${path}'`).join(' ');
  const script = `set -o pipefail; tar -C ${INSTALLED} --one-file-system ${common} --anchored ${excluded} -c . | "$@" tar -C ${TARGET} ${common} -xp`;
  try {
    execFileSync('bash', ['-c', script, 'bash', ...within(containment)], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
  } catch (error) {
    const said = String((error as { stderr?: Buffer }).stderr)
      .trim()
      .split('\n');
    const other = said.filter((line) => !NO_NODE.test(line));
    if (other.length > 0)
      throw new Error(`the installed root can't be copied: ${other.slice(-5).join(' | ')}`);
  }
  for (const name of ['proc', 'dev'])
    if (!lstatSync(`${TARGET}/${name}`).isDirectory())
      throw new Error(`/${name} of the package's root is no folder`);
}
