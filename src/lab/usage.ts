import { readdirSync, readFileSync } from 'node:fs';

/** What a server takes of its machine. */
export interface Usage {
  /** Open files: sockets, for the most part. */
  files: number;
  residentBytes: number;
}

/**
 * What a process of this machine takes: its open files, and its resident memory (proc_pid_status(5): VmRSS in KiB; 0 of one that has ended
 * and is not yet waited for).
 * @throws if there is no such process
 */
export function usageOf(pid: number, proc = '/proc'): Usage {
  const status = readFileSync(`${proc}/${pid}/status`, 'utf8');
  const resident = Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) * 1024;
  return { files: readdirSync(`${proc}/${pid}/fd`).length, residentBytes: resident };
}
