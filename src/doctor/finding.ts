import type { Command } from '../plan/command.ts';
import type { Thing } from './advice.ts';

/** One prerequisite: whether it is met, what it is needed for, and how to get it. */
export interface Finding {
  id: string;
  title: string;
  ok: boolean;
  why: string;
  /** Only some uses need it, as `why` says: it may be missing. */
  optional?: boolean;
  /** Debian packages that `--fix` installs; empty where only the user can. */
  packages: string[];
  /** Files that these packages read when they are installed. */
  files: Record<string, string>;
  /** Commands after that; each may be run again. */
  fix: Command[];
  advice: string;
}

/** What gets a prerequisite: the part of a finding that differs between machines. */
export type Fix = Partial<Pick<Finding, 'packages' | 'files' | 'fix'>>;

/** Of a prerequisite that `--fix` does nothing about. */
export const NO_FIX = { packages: [], files: {}, fix: [] };

/** How a finding says what gets a prerequisite on this machine. */
export interface Means {
  fixes: (fix: Fix) => Pick<Finding, 'packages' | 'files' | 'fix'>;
  advice: (thing: Thing) => string;
}

/** Whether something has to be done about it. */
export const isDue = ({ ok, optional }: Finding): boolean => !ok && optional !== true;
