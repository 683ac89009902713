import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { chownSync, lstatSync, mkdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { type Account, TARGET } from './installed.ts';
import { NoNamespaces } from './no-namespaces.ts';

/** The installed root in the image. Servers run in a copy of it that belongs to the user namespace. */
export const INSTALLED = '/installed';
/**
 * The host's user ids that the namespace is mapped to: within the range reserved for containers (524288 to 1879048191,
 * https://systemd.io/UIDS-GIDS), far above what other programs allocate first.
 */
const USERS = { base: 1_000_000_000, count: 65_536 };
/** The count in /proc/self/uid_map of the initial user namespace. */
const EVERYBODY = 4_294_967_295;
const WHOLE_PROC = '/proc-whole';
/** Mount points; and device nodes, which cannot be created in a user namespace. */
const NOT_COPIED = ['./proc/*', './sys/*', './dev/*'];
/** tar's messages about device nodes, which are not needed. */
const NO_NODE = /Cannot mknod: Operation not permitted$|^tar: Exiting with failure status/;

/**
 * Where all code of the package runs: a user namespace that is mapped to unprivileged users of the host. The package chooses its
 * accounts, programs and unit, so it may be root inside, with all capabilities there; even then it cannot write what belongs to the host's
 * root, such as /proc/sys. It may take over each process in the namespace that it can see, so its systemd sees none of the laboratory's
 * (systemd.ts).
 */
export interface Containment {
  /** Process that keeps the namespace alive. */
  holder: number;
  /** The user id of its root, as seen in the container. */
  root: number;
}

/**
 * Creates the namespace, and a copy of the installed root that belongs to it.
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
    throw new NoNamespaces(`cannot map the users of a namespace: ${String(error)}`);
  }
  showProcesses();
  const containment = { holder, root: maps.root };
  copyInstalled(containment);
  return containment;
}

/**
 * The namespace's user map (user_namespaces(7)). If the engine already runs containers in a user namespace (rootless, userns-remap),
 * their root is unprivileged on the host, and no other users are available: then the map is the identity.
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
 * Prefix of the command that makes the namespace: whoever makes one owns it, and its first process keeps that user id. It is the
 * namespace's own root, not the container's, because what runs inside may take such a process over (ptrace(2)).
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
 * Prefix of a program of the package that runs it in the package's root as one of its users: by number, without capabilities, and
 * without a way to gain any through setuid programs or file capabilities.
 */
export function asUser({ holder }: Containment, network: number, { uid, groups }: Account): string[] {
  return [
    ...['nsenter', `--user=/proc/${holder}/ns/user`, `--net=/proc/${network}/ns/net`, '--'],
    ...['capsh', `--chroot=${TARGET}`, '--drop=all', '--no-new-privs'],
    ...[`--gid=${groups[0]}`, `--groups=${groups.join(',')}`, `--uid=${uid}`],
  ];
}

/** Waits until a process started by unshare(1) is in its own namespace. @throws NoNamespaces with the output of unshare */
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
 * systemd needs a /proc for its own process namespace. In a user namespace the kernel allows that mount only if an unmasked /proc is
 * visible, and the container's is masked. If the engine forbids this one, systemd fails to start, and says so. It is of a process
 * namespace that has ended: nobody finds the container's processes in it.
 */
function showProcesses(): void {
  mkdirSync(WHOLE_PROC);
  spawnSync('unshare', ['--pid', '--fork', 'mount', '-t', 'proc', 'proc', WHOLE_PROC]);
}

/** The container's root reads, and the namespace's root unpacks, so files keep their owners by number within the namespace. */
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
      throw new Error(`/${name} of the package's root is not a folder`);
}
