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
 * The control group in which a systemd has its own tree. Named after the container: where an engine gives it no namespace of control
 * groups, as with version 1, all containers see one tree, and two laboratories may run at a time.
 */
export const groupOf = (name: string) => `${CGROUPS}/${PREFIX}${hostname()}-${name}`;
/** Files of a control group that a contained systemd must own ("Delegation" in the kernel's cgroup-v2.rst). */
const DELEGATED = ['', '/cgroup.procs', '/cgroup.subtree_control', '/cgroup.threads'];
/** Milliseconds after which an empty group is one that a killed laboratory has left. */
const ABANDONED_MS = 3_600_000;

/** Version 2 control groups that can be written, which the container has read-only, if at all; and a group for a systemd. */
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
    // Its own laboratory may just be removing it.
    const made = name.startsWith(PREFIX) ? statSync(group, { throwIfNoEntry: false })?.mtimeMs : undefined;
    if (made !== undefined && Date.now() - made > ABANDONED_MS) removeTree(group);
  }
}

/** Removes a tree of control groups, but for those that have processes. */
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
 * The path of a unit's control group, which a contained systemd may have been made to say.
 * @throws if it leads out of systemd's own tree, or has other characters than systemd's names of units
 */
export function requireGroup(path: string): string {
  if (/^(\/[\w.:@\\-]+)+$/.test(path) && !/(^|\/)\.{1,2}(\/|$)/.test(path)) return path;
  throw new Error(`${JSON.stringify(path)} is not a control group`);
}

/** The tree of control groups that systemd has made; they are free when its last process is gone. */
export async function removeGroup(group: string): Promise<void> {
  for (let tries = 0; tries < 20; tries++) {
    removeTree(group);
    if (!existsSync(group)) return;
    await pause(200);
  }
}
