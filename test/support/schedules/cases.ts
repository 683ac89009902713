import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, expect } from 'vitest';
import type { LeaseTimes } from '../../../src/io/bucket/lease.ts';
import { runProcess } from '../../../src/io/exec.ts';
import { sha256Text } from '../../../src/io/files.ts';
import { digestOf } from '../../../src/manifest/sealed.ts';
import { rowAttributes } from '../../../src/publish/page.ts';
import type { Destination } from '../../../src/publish/plan.ts';
import { type Publication, performPlan, withPlanner } from '../../../src/publish/publish.ts';
import { renderRepositoryPage } from '../../../src/ui/repository-page.ts';
import { PUBLIC_URL } from '../published.ts';
import { rememberedExec } from '../remembered-exec.ts';
import { temporaryFolder } from '../sandbox.ts';
import { createSigningHome } from '../signing-home.ts';
import { type CallPlan, callPlan } from './failure.ts';
import { memoryPlace } from './memory-place.ts';
import { OPERATIONS, type Operation, writeReleases } from './operations.ts';
import type { FaultyPlace } from './place.ts';

/** No run renews its lock: on a busy machine, some would, and the calls of an operation would differ. */
export const TIMES: LeaseTimes = { periodMs: 600_000, renewMs: 300_000, pollMs: 5 };
/** Of a run after one that has left its lock. */
export const SHORT_TIMES: LeaseTimes = { periodMs: 60, renewMs: 20, pollMs: 5 };

/** Releases, and a key to sign them. */
export interface Material {
  out: string;
  fingerprint: string;
  exec: Publication['exec'];
}

/** A change to publish, from the state before to the state after it. */
export interface Case<S = unknown> {
  name: string;
  destinations: readonly Destination['to'][];
  operation: () => Operation;
  /** Whether clients that have started from the state before still find everything. */
  keepsOld: boolean;
  before: S;
  after: Record<string, string>;
  /** The calls of an undisturbed run. */
  calls: readonly string[];
}

/** Releases with signed packages for the tests of a file, and their key in GNUPGHOME. */
export function sharedMaterial(): () => Material {
  let material: Material;
  beforeAll(async () => {
    const keys = createSigningHome();
    const home = process.env.GNUPGHOME;
    process.env.GNUPGHOME = keys.home;
    const out = mkdtempSync(join(tmpdir(), 'turnbuild-test-'));
    const fingerprint = keys.createKey('Packages <packages@example.org>');
    // More than a chunk of an upload to Cloud Storage.
    writeReleases(out, words(300 * 1024));
    material = { out, fingerprint, exec: rememberedExec(runProcess) };
    // Signs the packages, so that all later runs make the same calls.
    for (const { operation } of OPERATIONS.slice(0, 2)) {
      const run = {
        place: memoryPlace(),
        plan: callPlan(new Map()),
        times: TIMES,
        dir: join(out, 'journal'),
      };
      await perform({ destinations: ['apt', 'dnf'], operation: () => operation(out) }, run, material);
    }
    return () => {
      keys.remove();
      rmSync(out, { recursive: true, force: true });
      if (home === undefined) delete process.env.GNUPGHOME;
      else process.env.GNUPGHOME = home;
    };
  });
  return () => material;
}

/** Text that does not compress well, always the same. */
function words(length: number): string {
  let text = '';
  while (text.length < length) text += sha256Text(text.slice(-64));
  return text.slice(0, length);
}

/** Performs an operation once. @param dir of the journal @returns what the user was told */
export async function perform(
  { operation, destinations }: Pick<Case, 'operation' | 'destinations'>,
  { place, plan, times, dir }: { place: FaultyPlace; plan: CallPlan; times: LeaseTimes; dir: string },
  { fingerprint, exec }: Material,
): Promise<string[]> {
  const store = await place.open(plan, times);
  const told: string[] = [];
  const publication: Publication = {
    ...{ dir, destinations, store, fingerprint, exec, github: undefined, origin: undefined },
    ...{ url: PUBLIC_URL, signal: new AbortController().signal, cache: dir, turnbuild: '0.1.0' },
    ...operation(),
    renderPage: (facts) => renderRepositoryPage(facts, rowAttributes),
  };
  await withPlanner(publication, async (makePlan) => {
    const shown = await makePlan();
    const given = { plan: shown.plan, digest: digestOf(shown.plan, sha256Text), file: undefined };
    await performPlan(publication, makePlan, given, (event) => {
      if ('note' in event) told.push(event.note);
    });
  });
  return told;
}

/** All operations for some destinations. */
export async function casesFor<S>(
  place: FaultyPlace<unknown, S>,
  destinations: readonly Destination['to'][],
  material: Material,
): Promise<Case<S>[]> {
  const cases: Case<S>[] = [];
  const states = new Map<string | undefined, S>();
  place.restore(place.save());
  for (const { name, follows, keepsOld = true, operation } of OPERATIONS) {
    const before = follows === undefined ? place.save() : (states.get(follows) as S);
    place.restore(before, { keepsOld });
    const start = place.content();
    const plan = callPlan(new Map());
    const own = {
      name: `${name} (${destinations.join(', ')})`,
      ...{ destinations, keepsOld },
      operation: () => operation(material.out),
    };
    await perform(own, { place, plan, times: TIMES, dir: temporaryFolder() }, material);
    const after = place.content();
    expect(after, `${own.name} changes something`).not.toEqual(start);
    expect(place.broken()).toEqual([]);
    states.set(name, place.save());
    cases.push({ ...own, before, after, calls: plan.calls });
  }
  return cases;
}
