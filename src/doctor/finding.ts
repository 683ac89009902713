import type { Command } from '../plan/command.ts';
import type { Thing } from './advice.ts';

/** One prerequisite: whether it is met, why it is needed, and how to install it. */
export interface Finding {
  id: string;
  title: string;
  ok: boolean;
  why: string;
  /** Only some commands need it: `why` names them. */
  optional?: boolean;
  /** Debian packages that `--fix` installs; empty if only the user can. */
  packages: string[];
  /** Files that these packages read during installation. */
  files: Record<string, string>;
  /** Commands to run after that; they are idempotent. */
  fix: Command[];
  advice: string;
}

/** How to install a prerequisite: the part of a finding that differs between machines. */
export type Fix = Partial<Pick<Finding, 'packages' | 'files' | 'fix'>>;

/** For a prerequisite that `--fix` cannot install. */
export const NO_FIX = { packages: [], files: {}, fix: [] };

/** Adapts fixes and advice to this machine. */
export interface Means {
  fixes: (fix: Fix) => Pick<Finding, 'packages' | 'files' | 'fix'>;
  advice: (thing: Thing) => string;
}

/** Whether a finding requires action. */
export const isDue = ({ ok, optional }: Finding): boolean => !ok && optional !== true;
