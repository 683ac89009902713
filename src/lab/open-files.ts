/** Files that the laboratory's own process has open beside a socket for each port of the largest pool: sockets of all other scenarios. */
const OTHER_FILES = 3_000;

/** A process may open too few files here for as many ports. */
export class TooFewFiles extends Error {
  readonly code = 'LAB_FILES_LIMITED';
}

/**
 * Node and turnserver raise their soft limit to the hard one by themselves.
 * @param limits /proc/self/limits
 * @param ports of the largest pool
 * @throws TooFewFiles
 */
export function requireFiles(limits: string, ports: number): void {
  const hard = /^Max open files +\S+ +(\S+)/m.exec(limits)?.[1] ?? 'unlimited';
  const needed = ports + OTHER_FILES;
  if (hard === 'unlimited' || Number(hard) >= needed) return;
  throw new TooFewFiles(
    `a process in a container of this engine may open ${hard} files, and ${ports} relay ports take ${needed}`,
  );
}
