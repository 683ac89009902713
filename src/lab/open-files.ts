/** Open files of the laboratory's process in addition to one socket per port of the largest pool: the sockets of all other scenarios. */
const OTHER_FILES = 3_000;

/** The limit of open files is too low for the number of relay ports. */
export class TooFewFiles extends Error {
  readonly code = 'LAB_FILES_LIMITED';
}

/**
 * Requires a sufficient hard limit of open files. Node and turnserver raise their soft limit to the hard one themselves.
 * @param limits /proc/self/limits
 * @param ports of the largest pool
 * @throws TooFewFiles
 */
export function requireFiles(limits: string, ports: number): void {
  const hard = /^Max open files +\S+ +(\S+)/m.exec(limits)?.[1] ?? 'unlimited';
  const needed = ports + OTHER_FILES;
  if (hard === 'unlimited' || Number(hard) >= needed) return;
  throw new TooFewFiles(
    `containers of this engine may open only ${hard} files per process; ${ports} relay ports need ${needed}`,
  );
}
