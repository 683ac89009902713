import { execFileSync } from 'node:child_process';
import { closeSync, mkdirSync, mkdtempSync, openSync, rmdirSync, truncateSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

const PAGE = 4096;

/** Why this machine can mount no file system for a test; undefined if it can. */
export function mountObstacle(): string | undefined {
  const dir = mkdtempSync(join(tmpdir(), 'turnbuild-test-'));
  try {
    mount(dir, ['-o', 'size=64k']);
    execFileSync('umount', [dir], { stdio: 'pipe' });
    return undefined;
  } catch (error) {
    return `tmpfs cannot be mounted (${String(error).split('\n').at(-2) ?? error})`;
  } finally {
    rmdirSync(dir);
  }
}

const mount = (dir: string, options: readonly string[]) =>
  execFileSync('mount', ['-t', 'tmpfs', ...options, 'tmpfs', dir], { stdio: 'pipe' });

/** A file system of the running test. */
export interface SmallDisk {
  dir: string;
  /** Leaves space for some pages of 4 KiB. */
  fill(pages: number): void;
  /** Leaves some inodes. */
  fillInodes(left: number): void;
  /** Makes it read-only. */
  protect(): void;
  /** Undoes all of it. */
  mend(): void;
}

/** Mounts 4 MiB with 2,000 inodes at a new folder. */
export function smallDisk(dir: string): SmallDisk {
  mkdirSync(dir);
  mount(dir, ['-o', 'size=4m,nr_inodes=2000,mode=0755']);
  onTestFinished(() => {
    execFileSync('umount', ['--lazy', dir], { stdio: 'pipe' });
  });
  const remount = (option: string) =>
    execFileSync('mount', ['-o', `remount,${option}`, dir], { stdio: 'pipe' });
  const used = (column: string) =>
    Number(
      execFileSync('df', [`--output=${column}`, '--block-size=1', dir], { encoding: 'utf8' })
        .trim()
        .split('\n')[1],
    );
  const filler = join(dir, '.filler');
  return {
    dir,
    fill(pages) {
      const file = openSync(filler, 'w');
      const page = Buffer.alloc(PAGE, 1);
      let written = 0;
      try {
        for (;;) written += writeSync(file, page);
      } catch {
        closeSync(file);
      }
      truncateSync(filler, Math.max(0, written - pages * PAGE));
    },
    fillInodes: (left) => void remount(`nr_inodes=${used('iused') + left}`),
    protect: () => void remount('ro'),
    mend() {
      remount('rw');
      remount('nr_inodes=2000');
      execFileSync('rm', ['-f', filler]);
    },
  };
}
