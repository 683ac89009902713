import type { LeaseTimes } from '../../../src/io/bucket/lease.ts';
import type { Store } from '../../../src/io/store.ts';
import type { CallPlan, Failure } from './failure.ts';

/** A place to publish to, whose calls can fail. `S`: everything that it stores. */
export interface FaultyPlace<K = unknown, S = unknown> {
  /** E.g. `S3`. */
  name: string;
  /** All ways in which its calls can fail. */
  failures: readonly Failure<K>[];
  save(): S;
  /**
   * Stores what was saved, as if it were old. Nothing is locked.
   * @param expected by default, also clients that have started from what was saved are expected to find everything
   */
  restore(saved: S, expected?: { keepsOld: boolean }): void;
  /** What is stored, with attributes, without dates and signatures. */
  content(): Record<string, string>;
  isLocked(): boolean;
  /** What clients would not have found since `restore`. */
  broken(): readonly string[];
  /** Opens the store for a run. @param times of its lock */
  open(plan: CallPlan<K>, times: LeaseTimes): Promise<Store>;
}
