import { readdirSync, readFileSync } from 'node:fs';

/** A server's resource usage. */
export interface Usage {
  /** Open files, mostly sockets. */
  files: number;
  residentBytes: number;
}

/**
 * Reads a process's open files and resident memory (VmRSS in proc_pid_status(5), in KiB; 0 for a zombie).
 * @throws if the process does not exist
 */
export function usageOf(pid: number, proc = '/proc'): Usage {
  const status = readFileSync(`${proc}/${pid}/status`, 'utf8');
  const resident = Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) * 1024;
  return { files: readdirSync(`${proc}/${pid}/fd`).length, residentBytes: resident };
}
