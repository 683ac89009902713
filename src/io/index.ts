import { readArchiveState, readRepositoryState } from './archive-state.ts';
import type { Exec } from './exec.ts';
import * as files from './files.ts';
import { lockFolder } from './folder-lock.ts';
import { isAbandoned, owner, removeLeftovers, temporaryName } from './leftovers.ts';
import { rootLayer, writeOciLayout } from './oci-layout.ts';
import { proxiesForBuilds } from './proxy.ts';

const leftovers = { temporaryName, removeLeftovers, owner, isAbandoned };

/** The world as stages see it: processes, files, package archives, and the signal that ends everything. */
export interface Io {
  exec: Exec;
  files: typeof files;
  writeOciLayout: typeof writeOciLayout;
  rootLayer: typeof rootLayer;
  readArchiveState: typeof readArchiveState;
  readRepositoryState: typeof readRepositoryState;
  leftovers: typeof leftovers;
  lockFolder: typeof lockFolder;
  /** Names of the environment's variables for proxies that builds are given. @throws PROXY_INVALID */
  proxiesForBuilds: () => string[];
  /** Aborted by Ctrl-C. */
  signal: AbortSignal;
}

export type { ArchiveState } from './archive-state.ts';
export type { Exec, ExecResult } from './exec.ts';

/** @param tell what the user is told while something is waited for */
export function createIo(exec: Exec, signal: AbortSignal, tell: (line: string) => void = () => {}): Io {
  return {
    exec,
    files,
    writeOciLayout,
    rootLayer,
    readArchiveState,
    readRepositoryState,
    leftovers,
    lockFolder: (dir, wait, other = tell) => lockFolder(dir, wait, other),
    proxiesForBuilds: () => proxiesForBuilds(process.env),
    signal,
  };
}
