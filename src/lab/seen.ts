import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';

// What a package's programs do, read from outside its root, so that they cannot hide anything.

/** States of listening sockets (include/net/tcp_states.h): TCP_LISTEN, and TCP_CLOSE for unconnected UDP sockets. */
const WAITING: Readonly<Record<string, string>> = { tcp: '0A', tcp6: '0A', udp: '07', udp6: '07' };

/**
 * The listening sockets of this process's network namespace, e.g. `tcp 0100007F:0D96`, sorted: address and port as the kernel writes
 * them (proc_pid_net(5)).
 */
export function listeningSockets(): string[] {
  const lines = Object.entries(WAITING).flatMap(([protocol, waiting]) =>
    readFileSync(`/proc/self/net/${protocol}`, 'utf8')
      .split('\n')
      .slice(1)
      .map((line) => line.trim().split(/\s+/))
      .filter(([, , , state]) => state === waiting)
      .map(([, address]) => `${protocol} ${address}`),
  );
  return [...new Set(lines)].sort();
}

/** A process of a unit. */
export interface SeenProcess {
  /** Its executable, which under QEMU is QEMU; and the first words of its command line. */
  program: string;
  words: string[];
  /** Its real user id inside its user namespace. */
  uid: number;
  /** Every id that one of its threads has: real, effective, saved, and for files. Captures of an earlier turnbuild have neither this nor `capabilities`. */
  uids?: number[];
  /** The capabilities that one of its threads has, or may take up, as bits in hexadecimal (proc_pid_status(5)). */
  capabilities?: string;
}

/**
 * The processes of a control group and of all groups beneath it.
 * @param root the user id of their namespace's root, as seen from here
 */
export function processesOf(group: string, root: number, proc = '/proc'): SeenProcess[] {
  return [...new Set(pidsIn(group))].flatMap((pid) => {
    try {
      return seenProcess(`${proc}/${pid}`, root);
    } catch (error) {
      if (hasEnded(error)) return [];
      throw error;
    }
  });
}

function pidsIn(group: string): string[] {
  const below = readdirSync(group, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  const groups = below.map(({ name }) => join(group, name));
  return [...membersOf(group), ...groups.flatMap((path) => firstOf([path], pidsIn) ?? [])];
}

/** A threaded group does not say its processes ("Threads" in the kernel's cgroup-v2.rst); /proc knows threads by their own ids as well. */
function membersOf(group: string): string[] {
  const read = (file: string) =>
    readFileSync(join(group, file), 'utf8')
      .split('\n')
      .filter((id) => id !== '');
  try {
    return read('cgroup.procs');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EOPNOTSUPP') throw error;
    return read('cgroup.threads');
  }
}

/** Credentials belong to threads, and the first thread may have ended before the others. */
function seenProcess(folder: string, root: number): SeenProcess[] {
  const threads = readdirSync(`${folder}/task`).map((thread) => `${folder}/task/${thread}`);
  const program = firstOf(threads, (thread) => readlinkSync(`${thread}/exe`));
  // All of its threads have ended, and its parent has not yet asked how.
  if (program === undefined) return [];
  const words = firstOf(threads, (thread) => {
    const text = readFileSync(`${thread}/cmdline`, 'utf8');
    return text === '' ? undefined : text.split('\0').slice(0, 3);
  });
  const statuses = threads.flatMap(
    (thread) => firstOf([thread], (path) => readFileSync(`${path}/status`, 'utf8')) ?? [],
  );
  const uids = statuses.flatMap((status) => {
    const [, ids = ''] = /^Uid:\s+(.+)$/m.exec(status) ?? [];
    return ids.split(/\s+/).map((id) => Number(id) - root);
  });
  const capabilities = statuses
    .flatMap((status) => [...status.matchAll(/^Cap(?:Eff|Prm):\s+([\da-f]+)$/gm)])
    .reduce((all, [, bits]) => all | BigInt(`0x${bits}`), 0n);
  const [uid] = uids;
  if (uid === undefined) return [];
  return [
    { program, words: words ?? [], uid, uids: [...new Set(uids)], capabilities: capabilities.toString(16) },
  ];
}

/** The first value that there is, of threads or groups that may end meanwhile. */
function firstOf<T>(paths: readonly string[], read: (path: string) => T | undefined): T | undefined {
  for (const path of paths) {
    try {
      const value = read(path);
      if (value !== undefined) return value;
    } catch (error) {
      if (!hasEnded(error)) throw error;
    }
  }
  return undefined;
}

function hasEnded(error: unknown): boolean {
  return ['ENOENT', 'ENODEV', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '');
}
