import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { chownSync, lstatSync, mkdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { type Account, TARGET } from './installed.ts';
import { NoNamespaces } from './no-namespaces.ts';

/** The installed root in the image. Servers run in a copy of it that belongs to the user namespace. */
export const INSTALLED = '/installed';
/**
 * Host user ids that the namespace maps to. They are in the range reserved for containers (524288 to 1879048191,
 * https://systemd.io/UIDS-GIDS), far above the ids that other programs allocate first.
 */
const USERS = { base: 1_000_000_000, count: 65_536 };
/** Number of ids in /proc/self/uid_map of the initial user namespace. */
const EVERYBODY = 4_294_967_295;
const WHOLE_PROC = '/proc-whole';
/** Mount points, and device nodes, which cannot be created in a user namespace. */
const NOT_COPIED = ['./proc/*', './sys/*', './dev/*'];
/** tar's errors about device nodes, which are not needed. */
const NO_NODE = /Cannot mknod: Operation not permitted$|^tar: Exiting with failure status/;

/**
 * The user namespace in which all code of the package runs, mapped to unprivileged users of the host. The package chooses its accounts,
 * programs and unit, so it may become root in the namespace with all capabilities there. Even then it cannot write files of the host's
 * root, such as /proc/sys. It could take over every process of the namespace that it can see. systemd.ts therefore hides the
 * laboratory's processes from it.
 */
export interface Containment {
  /** Process that keeps the namespace alive. */
  holder: number;
  /** User id of the namespace's root, as seen in the container. */
  root: number;
}

/**
 * Creates the namespace and a copy of the installed root that it owns.
 * @throws NoNamespaces
 */
export async function contain(): Promise<Containment> {
  const maps = mapsFor(readFileSync('/proc/self/uid_map', 'utf8'));
  const [file = '', ...args] = [...asOwner(maps.root), 'unshare', '--user', '--', 'sleep', 'infinity'];
  const child = spawn(file, args, { stdio: ['ignore', 'ignore', 'pipe'] });
  const holder = await begun(child, 'user');
  try {
    for (const file of ['uid_map', 'gid_map']) writeFileSync(`/proc/${holder}/${file}`, maps.text);
  } catch (error) {
    throw new NoNamespaces(`cannot map users into a user namespace: ${String(error)}`);
  }
  showProcesses();
  const containment = { holder, root: maps.root };
  copyInstalled(containment);
  return containment;
}

/**
 * The namespace's user map (user_namespaces(7)). If the engine already runs containers in a user namespace (rootless, userns-remap),
 * their root is unprivileged on the host and no other users are available. The map is then the identity.
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

/**
 * Prefix of the command that creates the namespace. The creating user owns the namespace, and its first process keeps that user id. This
 * must not be the container's root, because code in the namespace may take over the process (ptrace(2)).
 */
function asOwner(root: number): string[] {
  if (root === 0) return [];
  const capability = '-all,+sys_admin';
  return [
    ...['setpriv', `--reuid=${root}`, `--regid=${root}`, '--clear-groups'],
    ...[`--inh-caps=${capability}`, `--ambient-caps=${capability}`, '--'],
  ];
}

/** Prefix of a command that runs it as the namespace's root. */
export function within({ holder }: Pick<Containment, 'holder'>): string[] {
  return ['nsenter', `--user=/proc/${holder}/ns/user`, '--'];
}

/**
 * Prefix of a command that runs a program of the package in the package's root as one of its users, identified by number. The program has
 * no capabilities and cannot gain any through setuid programs or file capabilities.
 */
export function asUser({ holder }: Containment, network: number, { uid, groups }: Account): string[] {
  return [
    ...['nsenter', `--user=/proc/${holder}/ns/user`, `--net=/proc/${network}/ns/net`, '--'],
    ...['capsh', `--chroot=${TARGET}`, '--drop=all', '--no-new-privs'],
    ...[`--gid=${groups[0]}`, `--groups=${groups.join(',')}`, `--uid=${uid}`],
  ];
}

/** Waits until a process started by unshare(1) is in its own namespace. @throws NoNamespaces with unshare's output */
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
  throw new NoNamespaces(`unshare --${kind} did not start within 10 s`);
}

function namespaceOf(pid: number, kind: string): string {
  try {
    return readlinkSync(`/proc/${pid}/ns/${kind}`);
  } catch {
    return '';
  }
}

/**
 * Mounts an unmasked /proc. systemd must mount /proc for its own process namespace, which the kernel allows in a user namespace only
 * if an unmasked /proc is visible; the container's is masked. This one belongs to a process namespace that has ended, so it does not show
 * the container's processes. If the engine forbids the mount, systemd reports an error when it starts.
 */
function showProcesses(): void {
  mkdirSync(WHOLE_PROC);
  spawnSync('unshare', ['--pid', '--fork', 'mount', '-t', 'proc', 'proc', WHOLE_PROC]);
}

/** The container's root reads the files and the namespace's root unpacks them, so their numeric owners are valid in the namespace. */
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
    if (other.length > 0) throw new Error(`cannot copy the installed root: ${other.slice(-5).join(' | ')}`);
  }
  for (const name of ['proc', 'dev'])
    if (!lstatSync(`${TARGET}/${name}`).isDirectory())
      throw new Error(`/${name} in the package's root is not a folder`);
}
