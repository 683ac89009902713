import type { Exec } from './exec.ts';
import * as files from './files.ts';
import { writeOciLayout } from './oci-layout.ts';

/** The world as stages see it: processes, files, and the signal that ends everything. */
export interface Io {
  exec: Exec;
  files: typeof files;
  writeOciLayout: typeof writeOciLayout;
  /** Aborted by Ctrl-C. */
  signal: AbortSignal;
}

export type { Exec, ExecResult } from './exec.ts';

export function createIo(exec: Exec, signal: AbortSignal): Io {
  return { exec, files, writeOciLayout, signal };
}
