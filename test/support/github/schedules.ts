import { expect } from 'vitest';
import { TurnbuildError } from '../../../src/errors.ts';
import { drawn } from '../random.ts';
import { publishingHere, quicken } from './here.ts';
import type { How } from './injection.ts';
import { passingOf, refusalsOf } from './kinds.ts';
import type { Repository } from './state.ts';

type Place = Awaited<ReturnType<typeof publishingHere>>;
type State = ReturnType<Repository['save']>;
type Kind = 'passing' | 'refused' | 'killed';

/** A change of the releases, from the state before to what a person sees after it. */
interface Case {
  name: string;
  before: State;
  after: object;
  /** The requests of an undisturbed run, in order. */
  requests: readonly string[];
  run: () => Promise<unknown>;
}

const [OLD, NEW] = ['4.18.0+turnbuild-1', '4.19.0+turnbuild-1'];
const KILLS: readonly How[] = ['killed before', 'killed after'];

/**
 * Publishes, promotes, rolls back and withdraws releases while requests fail and processes are killed as seeded schedules say, and then without
 * faults. Expects that nothing that is public is incomplete after any request, that faults that pass are survived in the run, that every other run
 * ends in one error, and that the end state is that of an undisturbed run.
 * @param isSilent also loses connections without a sign, which takes seconds
 * @returns how often each kind of fault was injected, and how many runs succeeded in spite of it or were finished by the next one
 */
export async function runGithubSchedules(count: number, firstSeed: number, isSilent = false) {
  quicken();
  const place = await publishingHere();
  const cases = await casesWith(place);
  place.github.watch.isOn = true;
  const totals = { schedules: 0, injected: 0, survived: 0, finished: 0 };
  const kinds: Record<Kind, number> = { passing: 0, refused: 0, killed: 0 };
  for (let seed = firstSeed; seed < firstSeed + count; seed += 1) {
    const random = drawn(seed);
    const chosen = cases[Math.floor(random() * cases.length)] as Case;
    const { injected, failures } = await disturbed(place, chosen, { random, isSilent, seed });
    totals.schedules += 1;
    totals.injected += injected.length;
    totals[failures === 0 ? 'survived' : 'finished'] += 1;
    for (const kind of injected) kinds[kind] += 1;
  }
  console.log(`${JSON.stringify({ ...totals, kinds })} from seed ${firstSeed}`);
  return { ...totals, kinds };
}

interface Draw {
  random: () => number;
  isSilent: boolean;
  seed: number;
}

/** Runs a change until it succeeds. The first two runs meet one to three faults each, the last one none. */
async function disturbed(
  { github, run: process }: Place,
  chosen: Case,
  { random, isSilent, seed }: Draw,
): Promise<{ injected: Kind[]; failures: number }> {
  const { name, before, after, run } = chosen;
  github.repository.restore(before);
  const injected: Kind[] = [];
  const story: string[] = [];
  let failures = 0;
  for (let attempt = 0; attempt < 3; attempt += 1) {
    const planned = attempt === 2 ? [] : scheduleOf(random, chosen, isSilent);
    const counts = planned.map(({ on, how, nth }) => github.fail({ on, how, nth }));
    const failed = await run().then(
      () => undefined,
      (error: unknown) => ({ error }),
    );
    const happened = planned.filter((_, index) => counts[index]?.() === 1);
    github.injection.clear();
    const own = happened.map(({ kind }) => kind);
    injected.push(...own);
    story.push(happened.map(({ on, how, nth }) => `${on} (${nth}): ${JSON.stringify(how)}`).join(', '));
    const where = `seed ${seed}, ${name}: ${story.join('; then ')}`;
    expect(github.violations, where).toEqual([]);
    if (failed === undefined) break;
    const { error } = failed;
    expect(error, where).toBeInstanceOf(TurnbuildError);
    if (process.isKilled) expect(own, where).toContain('killed');
    else {
      expect(own, `${where}: ${error}`).toContain('refused');
      expect(error, where).toMatchObject({
        code: expect.stringMatching(
          /^GITHUB_(TOKEN_INVALID|FORBIDDEN|REFUSED|REPOSITORY_UNKNOWN|ASSET_DAMAGED)$/,
        ),
        hint: expect.any(String),
      });
    }
    failures += 1;
  }
  const where = `seed ${seed}, ${name}: ${story.join('; then ')}`;
  expect(failures, where).toBeLessThan(3);
  expect(github.repository.summary(), where).toEqual(after);
  return { injected, failures };
}

/** One to three faults, at requests of an undisturbed run. Two faults of the same request are one. */
function scheduleOf(random: () => number, { requests, before }: Case, isSilent: boolean) {
  const pick = <T>(all: readonly T[]) => all[Math.floor(random() * all.length)] as T;
  const faults = Array.from({ length: 1 + Math.floor(random() * 3) }, () => {
    const index = Math.floor(random() * requests.length);
    const on = requests[index] ?? '';
    const nth = requests.slice(0, index + 1).filter((each) => each === on).length;
    const drawnKind = pick<Kind>(['passing', 'passing', 'passing', 'refused', 'killed']);
    // Files are on a server that needs no permission, and downloaded only to be compared.
    const kind = on === 'GET file' ? 'passing' : drawnKind;
    const how = pick<How>(
      kind === 'passing'
        ? passingOf(on, isSilent)
        : kind === 'refused'
          ? refusalsOf(on)
          : [...KILLS, ...(on === 'POST upload' ? (['killed halfway'] as const) : [])],
    );
    // Without digests, damage is found when everything is uploaded.
    const isFoundLate = how === 'damage' && !before.settings.digests;
    return { on, nth, how, kind: isFoundLate ? ('refused' as const) : kind };
  });
  return faults.filter(
    ({ on, nth }, index) => faults.findIndex((each) => each.on === on && each.nth === nth) === index,
  );
}

/** Publications to nothing, to others and after an interruption, with and without digests; promotion, rollback and withdrawal. */
async function casesWith(place: Place): Promise<Case[]> {
  const { github, publish, promote, withdraw } = place;
  const { repository } = github;
  const cases: Case[] = [];
  const nothing = repository.save();
  const make = async (name: string, before: State, run: () => Promise<unknown>): Promise<State> => {
    repository.restore(before);
    const was = repository.summary();
    github.requests.length = 0;
    await run();
    const after = repository.summary();
    expect(after, `${name} changes something`).not.toEqual(was);
    expect(
      after.releases.filter(({ draft }) => draft),
      `${name} leaves no draft`,
    ).toEqual([]);
    cases.push({ name, before, after, requests: [...github.requests], run });
    return repository.save();
  };
  const first = await make('publish to nothing', nothing, () => publish('4.18.0'));
  const stable = await make('promote', first, () => promote(OLD));
  const both = await make('publish to another', stable, () => publish('4.19.0'));
  await make('publish to stable', stable, () => publish('4.19.0', 'stable'));
  const newest = await make('promote a newer one', both, () => promote(NEW));
  await make('roll back', newest, () => promote(OLD));
  await make('withdraw the latest', newest, () => withdraw(NEW, 'crashes on start'));
  await make('withdraw another', newest, () => withdraw(OLD, 'crashes on start'));
  await make('publish a newer one', nothing, () => publish('4.19.0', 'stable'));
  const { draft, immutable } = await preparedStates(place, stable);
  await make('continue a draft', draft, () => publish('4.19.0', 'stable'));
  await make('continue a draft without digests', withoutDigests(draft), () => publish('4.19.0'));
  await make('publish an immutable release', immutable, () => publish('4.19.0'));
  return cases;
}

const withoutDigests = (state: State): State => ({
  ...state,
  settings: { ...state.settings, digests: false },
});

/** A draft with a damaged file and a part of another one beside a second draft; and a repository whose releases are immutable. */
async function preparedStates({ github, publish }: Place, before: State) {
  const { repository } = github;
  repository.restore(before);
  github.fail({ on: 'PATCH release', how: { status: 401 } });
  await expect(publish('4.19.0')).rejects.toMatchObject({ code: 'GITHUB_TOKEN_INVALID' });
  github.injection.clear();
  const own = repository.releases.find((each) => each.draft);
  const [damaged, partial] = own?.assets ?? [];
  if (own === undefined || damaged === undefined || partial === undefined) throw new Error('No draft');
  damaged.content = Buffer.from(damaged.content.map((byte) => byte ^ 1));
  Object.assign(partial, { state: 'starter', content: Buffer.alloc(0) });
  repository.create({ tag_name: own.tag, body: own.body ?? '', draft: true });
  const draft = repository.save();
  const immutable = { ...before, settings: { ...before.settings, immutable: true } };
  return { draft, immutable };
}
