import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { TurnbuildError } from '../../src/errors.ts';
import { runProcess } from '../../src/io/exec.ts';
import { sha256Text } from '../../src/io/files.ts';
import type { Store } from '../../src/io/store.ts';
import { digestOf } from '../../src/manifest/sealed.ts';
import { parseManifest } from '../../src/manifest/store.ts';
import type { Change } from '../../src/publish/change.ts';
import { verifiedPackages } from '../../src/publish/packages.ts';
import { rowAttributes } from '../../src/publish/page.ts';
import type { Destination } from '../../src/publish/plan.ts';
import { type Publication, performPlan, withPlanner } from '../../src/publish/publish.ts';
import { renderRepositoryPage } from '../../src/ui/repository-page.ts';
import { brokenReferences, startedClients } from './broken-references.ts';
import { FAULTS, type Fault, faultyStore } from './faulty-store.ts';
import { type MemoryStore, memoryStore } from './memory-store.ts';
import { packagedRelease } from './packaged-release.ts';
import { contentDigest, PUBLIC_URL } from './published.ts';
import { drawn } from './random.ts';
import { temporaryFolder } from './sandbox.ts';
import { createSigningHome } from './signing-home.ts';

type Files = ReadonlyMap<string, Buffer>;
type Operation = Pick<Publication, 'changes' | 'head' | 'dir'>;

const TARGETS = { 'debian-13': 'deb13', portable: 'rpm' };
const EXTENT = { suites: ['trixie'], targets: ['portable'] };
const KINDS: readonly (readonly Destination['to'][])[] = [['apt'], ['dnf'], ['apt', 'dnf']];
const OLD = '4.18.0+turnbuild-1';
const NEW = '4.19.0+turnbuild-1';

/** The contents of a store, without dates and signatures. */
function contentOf(files: Files): Record<string, string> {
  return Object.fromEntries(
    [...files].map(([path, bytes]) => [path, contentDigest(path, bytes)] as const).sort(),
  );
}

/** A change to publish, from the state before to the state after it. */
interface Case {
  name: string;
  destinations: readonly Destination['to'][];
  before: Files;
  after: Record<string, string>;
  /** Number of calls of a store in an undisturbed run. */
  calls: number;
  operation: () => Operation;
}

/**
 * Performs changes of apt and dnf repositories while calls of the store fail as seeded schedules say, and then without failures. Expects that
 * no state in between is broken for clients, that each run ends in success or in one error, and that the last state is that of an undisturbed run.
 * @returns how often each fault was injected, and how often a run succeeded in spite of it or was finished by the next one
 */
export async function runSchedules(count: number, firstSeed: number) {
  const keys = createSigningHome();
  const home = process.env.GNUPGHOME;
  process.env.GNUPGHOME = keys.home;
  try {
    const fingerprint = keys.createKey('Packages <packages@example.org>');
    const cases = await casesWith(fingerprint);
    const totals = { schedules: 0, injected: 0, survived: 0, finished: 0 };
    const kinds: Record<string, number> = {};
    for (let seed = firstSeed; seed < firstSeed + count; seed += 1) {
      const random = drawn(seed);
      const chosen = cases[Math.floor(random() * cases.length)] as Case;
      const faults = scheduleOf(random, chosen.calls);
      const { injected, failures } = await disturbed(chosen, faults, fingerprint, `seed ${seed}`);
      totals.schedules += 1;
      totals.injected += injected.length;
      totals[failures === 0 ? 'survived' : 'finished'] += 1;
      for (const each of injected) kinds[each] = (kinds[each] ?? 0) + 1;
    }
    return { ...totals, kinds };
  } finally {
    keys.remove();
    if (home === undefined) delete process.env.GNUPGHOME;
    else process.env.GNUPGHOME = home;
  }
}

/** One to three faults, at calls of the run. Later ones hit the runs that finish it. */
function scheduleOf(random: () => number, calls: number): Map<number, Fault> {
  const number = 1 + Math.floor(random() * 3);
  return new Map(
    Array.from({ length: number }, () => {
      const fault = FAULTS[Math.floor(random() * FAULTS.length)] as Fault;
      return [Math.floor(random() * calls), fault] as const;
    }),
  );
}

/** Runs a change until it succeeds. The first runs meet the faults. */
async function disturbed(
  { name, destinations, before, after, operation }: Case,
  faults: ReadonlyMap<number, Fault>,
  fingerprint: string,
  seed: string,
): Promise<{ injected: string[]; failures: number }> {
  const where = `${seed}, ${name}, faults at ${[...faults].map(([at, fault]) => `${at}: ${fault}`).join(', ')}`;
  // This one deletes at once what only earlier pointers lead to.
  const started = name.startsWith('gc ') ? new Map<string, Buffer>() : startedClients(before);
  const store = memoryStore(before, (files) => {
    const broken = [...brokenReferences(files), ...brokenReferences(files, started)];
    expect(broken, `a client would find a broken repository: ${where}`).toEqual([]);
  });
  const own = operation();
  const injected: string[] = [];
  let failures = 0;
  for (const attempt of [faults, shifted(faults), new Map<number, Fault>()]) {
    const faulty = faultyStore(store, attempt);
    const error = await run(own, destinations, faulty, fingerprint).catch((caught: unknown) => caught);
    injected.push(...faulty.injected);
    if (error === undefined) break;
    if (!(error instanceof TurnbuildError)) throw error;
    expect(error.code, where).toMatch(/^(STORE_UNREACHABLE|KILLED)$/);
    failures += 1;
    expect(store.isLocked() && !faulty.isDead(), `the lock stays: ${where}`).toBe(false);
    store.unlock();
  }
  expect(injected.length, where).toBeGreaterThan(0);
  expect(contentOf(store.files), `the last state: ${where}`).toEqual(after);
  expect(store.isLocked(), where).toBe(false);
  return { injected, failures };
}

/** Faults for the second run: those whose turn had not come. */
function shifted(faults: ReadonlyMap<number, Fault>): Map<number, Fault> {
  const first = Math.min(...faults.keys());
  return new Map([...faults].filter(([at]) => at !== first));
}

async function run(
  { changes, head, dir }: Operation,
  destinations: readonly Destination['to'][],
  store: Store,
  fingerprint: string,
): Promise<undefined> {
  const publication: Publication = {
    ...{ changes, head, dir, destinations, store, fingerprint, github: undefined },
    ...{ origin: undefined, url: PUBLIC_URL, exec: runProcess, signal: new AbortController().signal },
    cache: temporaryFolder(),
    turnbuild: '0.1.0',
    renderPage: (facts) => renderRepositoryPage(facts, rowAttributes),
  };
  await withPlanner(publication, async (plan) => {
    const shown = await plan();
    const given = { plan: shown.plan, digest: digestOf(shown.plan, sha256Text), file: undefined };
    await performPlan(publication, plan, given, () => {});
  });
  return undefined;
}

/** Publish, promote, clean and withdraw, for apt, dnf and both. */
async function casesWith(fingerprint: string): Promise<Case[]> {
  const out = temporaryFolder();
  const cases: Case[] = [];
  for (const destinations of KINDS) {
    const make = async (name: string, before: Files, operation: () => Operation) => {
      const store: MemoryStore = memoryStore(before, () => {});
      const counting = faultyStore(store, new Map());
      await run(operation(), destinations, counting, fingerprint);
      const after = contentOf(store.files);
      const calls = counting.calls();
      expect(after, `${name} changes something`).not.toEqual(contentOf(before));
      cases.push({
        name: `${name} (${destinations.join(', ')})`,
        destinations,
        before,
        after,
        calls,
        operation,
      });
      return store.files;
    };
    const first = await make('publish to nothing', new Map(), () => publishing(out, '4.18.0'));
    const second = await make('publish to another', first, () => publishing(out, '4.19.0'));
    const promoted = await make('promote', second, () => changing({ verb: 'promote', releases: [OLD] }));
    await make('promote a newer one', promoted, () => changing({ verb: 'promote', releases: [NEW] }));
    // Keeps the older release only because stable has it.
    await make('gc', promoted, cleaning);
    await make('withdraw', promoted, () => changing({ verb: 'withdraw', releases: [OLD] }));
  }
  return cases;
}

function publishing(out: string, version: string): Operation {
  const dir = join(out, version);
  const manifestOf = () => {
    const file = join(dir, 'manifest.json');
    return parseManifest(file, readFileSync(file, 'utf8'), sha256Text);
  };
  // Signed packages stay in the folder, so that all runs store the same bytes.
  try {
    manifestOf();
  } catch {
    packagedRelease(out, { version, targets: TARGETS });
  }
  const manifest = manifestOf();
  const groups = verifiedPackages(manifest, { targets: undefined, architectures: undefined });
  const change: Change = { verb: 'publish', dir, manifest, groups, suiteOf: () => 'trixie' };
  return {
    dir,
    changes: [{ channel: 'testing', change }],
    head: { verb: 'publish', releases: [manifest.packageVersion], accepted: [] },
  };
}

/** Keeps the newest release of each channel, and no files of earlier states. */
function cleaning(): Operation {
  const keep = { releases: 1, days: 0, withdrawn: false, at: new Date().toISOString() };
  const change: Change = { verb: 'gc', keep: keep.releases, ...EXTENT };
  return {
    dir: temporaryFolder(),
    changes: (['testing', 'stable'] as const).map((channel) => ({ channel, change })),
    head: { verb: 'gc', releases: [], keep, accepted: [] },
  };
}

function changing({ verb, releases }: { verb: 'promote' | 'withdraw'; releases: string[] }): Operation {
  const reason = 'It loses sessions.';
  const dir = temporaryFolder();
  if (verb === 'withdraw') {
    const change: Change = { verb, releases, reason, ...EXTENT };
    const channels = ['testing', 'stable'] as const;
    return {
      dir,
      changes: channels.map((channel) => ({ channel, change })),
      head: { verb, releases, reason, accepted: [] },
    };
  }
  const change: Change = { verb, release: releases[0] ?? '', from: 'testing', ...EXTENT };
  return { dir, changes: [{ channel: 'stable', change }], head: { verb, releases, accepted: [] } };
}
