import { readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';
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
  /** Its user id inside its user namespace. */
  uid: number;
}

/**
 * The processes of a control group and its children.
 * @param root the user id of their namespace's root, as seen from here
 */
export function processesOf(group: string, root: number): SeenProcess[] {
  const groups = [group, ...readdirSync(group).map((name) => join(group, name))].filter((path) =>
    statSync(path).isDirectory(),
  );
  const pids = groups.flatMap((path) => readFileSync(`${path}/cgroup.procs`, 'utf8').split('\n'));
  return pids.filter((pid) => pid !== '').flatMap((pid) => seenProcess(pid, root));
}

function seenProcess(pid: string, root: number): SeenProcess[] {
  try {
    const [, uid = ''] = /^Uid:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
    const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').slice(0, 3);
    return [{ program: readlinkSync(`/proc/${pid}/exe`), words, uid: Number(uid) - root }];
  } catch {
    // It has just ended.
    return [];
  }
}
