import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';

// Observes a package's programs from outside its root, so that they cannot hide anything.

/** States of listening sockets (include/net/tcp_states.h): TCP_LISTEN, and TCP_CLOSE for unconnected UDP sockets. */
const WAITING: Readonly<Record<string, string>> = { tcp: '0A', tcp6: '0A', udp: '07', udp6: '07' };

/**
 * The listening sockets of this process's network namespace, sorted, e.g. `tcp 0100007F:0D96`. Address and port are in the kernel's
 * notation (proc_pid_net(5)).
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
  /** Path of the executable; under QEMU that of QEMU. */
  program: string;
  /** The first words of the command line. */
  words: string[];
  /** Real user id in the user namespace. */
  uid: number;
  /** All real, effective, saved and file system user ids of its threads. Earlier turnbuild versions recorded neither this nor `capabilities`. */
  uids?: number[];
  /** The union of its threads' effective and permitted capabilities, as a hexadecimal bit mask (proc_pid_status(5)). */
  capabilities?: string;
}

/**
 * The processes of a control group and its subgroups.
 * @param root user id of their namespace's root, as seen from here
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

/** A threaded group lists only threads ("Threads" in the kernel's cgroup-v2.rst). /proc also accepts thread ids. */
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

/** Reads all threads, because each has its own credentials and the first may have exited before the others. */
function seenProcess(folder: string, root: number): SeenProcess[] {
  const threads = readdirSync(`${folder}/task`).map((thread) => `${folder}/task/${thread}`);
  const program = firstOf(threads, (thread) => readlinkSync(`${thread}/exe`));
  // A zombie: all threads have exited, but the parent has not reaped it.
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

/** The first available value of some threads or groups, any of which may have ended. */
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
