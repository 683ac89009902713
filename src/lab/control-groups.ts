import { execFileSync, spawnSync } from 'node:child_process';
import {
  accessSync,
  chownSync,
  constants,
  existsSync,
  mkdirSync,
  readdirSync,
  rmdirSync,
  statSync,
} from 'node:fs';
import { hostname } from 'node:os';
import { setTimeout as pause } from 'node:timers/promises';
import type { Containment } from './containment.ts';

export const CGROUPS = '/sys/fs/cgroup';
const PREFIX = 'turnbuild-';
/**
 * The control group for a systemd's own tree. Its name contains the container's, because without a control group namespace (as with
 * version 1) all containers share one tree, and two laboratories may run at the same time.
 */
export const groupOf = (name: string) => `${CGROUPS}/${PREFIX}${hostname()}-${name}`;
/** Files of its control group that a contained systemd must own ("Delegation" in the kernel's cgroup-v2.rst). */
const DELEGATED = ['', '/cgroup.procs', '/cgroup.subtree_control', '/cgroup.threads'];
/** Age in milliseconds at which an empty group is considered abandoned by a killed laboratory. */
const ABANDONED_MS = 3_600_000;

/** Mounts version 2 control groups writable, because the container has them read-only or not at all. Creates a systemd's group. */
export function ownControlGroup(group: string, containment: Containment | undefined): void {
  if (!existsSync(`${CGROUPS}/cgroup.procs`) || !isWritable(CGROUPS)) {
    spawnSync('umount', ['--recursive', CGROUPS]);
    execFileSync('mount', ['-t', 'cgroup2', 'none', CGROUPS]);
    removeAbandonedGroups();
  }
  mkdirSync(group);
  if (containment === undefined) return;
  for (const file of DELEGATED) chownSync(`${group}${file}`, containment.root, containment.root);
}

function isWritable(folder: string): boolean {
  try {
    accessSync(folder, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

function removeAbandonedGroups(): void {
  for (const name of readdirSync(CGROUPS)) {
    const group = `${CGROUPS}/${name}`;
    // Its laboratory may be removing it right now.
    const made = name.startsWith(PREFIX) ? statSync(group, { throwIfNoEntry: false })?.mtimeMs : undefined;
    if (made !== undefined && Date.now() - made > ABANDONED_MS) removeTree(group);
  }
}

/** Removes all control groups of a tree that have no processes. */
function removeTree(group: string): void {
  const found = spawnSync('find', [group, '-depth', '-type', 'd'], { encoding: 'utf8' }).stdout;
  for (const dir of found.split('\n').filter((line) => line !== '')) {
    try {
      rmdirSync(dir);
    } catch {
      // Still in use.
    }
  }
}

/**
 * Validates the path of a unit's control group. A malicious package can make its systemd report any path.
 * @throws if the path leaves systemd's tree, or has characters that systemd does not allow in unit names
 */
export function requireGroup(path: string): string {
  if (/^(\/[\w.:@\\-]+)+$/.test(path) && !/(^|\/)\.{1,2}(\/|$)/.test(path)) return path;
  throw new Error(`${JSON.stringify(path)} is not a control group`);
}

/** Removes the tree of control groups that a systemd created. They can be removed once its last process has exited. */
export async function removeGroup(group: string): Promise<void> {
  for (let tries = 0; tries < 20; tries++) {
    removeTree(group);
    if (!existsSync(group)) return;
    await pause(200);
  }
}
