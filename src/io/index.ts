import { readArchiveState, readRepositoryState } from './archive-state.ts';
import type { Exec } from './exec.ts';
import * as files from './files.ts';
import { lockFolder } from './folder-lock.ts';
import { isAbandoned, owner, removeLeftovers, temporaryName } from './leftovers.ts';
import { rootLayer, writeOciLayout } from './oci-layout.ts';
import { proxiesForBuilds } from './proxy.ts';

const leftovers = { temporaryName, removeLeftovers, owner, isAbandoned };

/** The effects available to stages: processes, files, package archives, and the abort signal. */
export interface Io {
  exec: Exec;
  files: typeof files;
  writeOciLayout: typeof writeOciLayout;
  rootLayer: typeof rootLayer;
  readArchiveState: typeof readArchiveState;
  readRepositoryState: typeof readRepositoryState;
  leftovers: typeof leftovers;
  lockFolder: typeof lockFolder;
  /** Names of the proxy variables to pass to builds. @throws PROXY_INVALID */
  proxiesForBuilds: () => string[];
  /** Aborted by Ctrl-C. */
  signal: AbortSignal;
}

export type { ArchiveState } from './archive-state.ts';
export type { Exec, ExecResult } from './exec.ts';

/** @param tell shows the user why turnbuild is waiting */
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
