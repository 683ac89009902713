import { expect } from 'vitest';
import type { Channel } from '../../../src/publish/plan.ts';
import { incompleteReleases } from './complete.ts';
import { publishingHere, quicken } from './here.ts';
import type { Fault, How } from './injection.ts';
import { passingOf, refusalsOf } from './kinds.ts';

type Place = Awaited<ReturnType<typeof publishingHere>>;

/** A publication: how it begins, and the requests that it makes. */
interface Scenario {
  name: string;
  requests: readonly string[];
  prepare(place: Place): Promise<void>;
}

const CHANNEL: Channel = 'stable';

const SCENARIOS: readonly Scenario[] = [
  {
    name: 'publish',
    requests: [
      ...['GET repository', 'GET releases', 'GET latest', 'GET release', 'GET assets'],
      ...['POST release', 'POST upload', 'PATCH release'],
    ],
    async prepare() {},
  },
  {
    // A draft with a damaged file and a part of another one, a second draft, and a server that says no digests.
    name: 'continue',
    requests: ['DELETE release', 'DELETE asset', 'GET asset', 'GET file'],
    async prepare({ github: { repository, fail, injection }, publish }) {
      fail({ on: 'PATCH release', how: { status: 401 } });
      await expect(publish('4.18.0', CHANNEL)).rejects.toMatchObject({ code: 'GITHUB_TOKEN_INVALID' });
      injection.clear();
      const [draft] = repository.releases;
      const [first, second] = draft?.assets ?? [];
      if (draft === undefined || first === undefined || second === undefined)
        throw new Error('There is no draft');
      first.content = Buffer.from(first.content.map((byte) => byte ^ 1));
      Object.assign(second, { state: 'starter', content: Buffer.alloc(0) });
      repository.create({ tag_name: draft.tag, body: draft.body ?? '', draft: true });
      repository.settings.digests = false;
    },
  },
];

const faultsOf = (hows: (on: string) => readonly How[]): Fault[] =>
  SCENARIOS.flatMap(({ requests }) => requests.flatMap((on) => hows(on).map((how) => ({ on, how }))));

/** Every way in which a request of a publication can fail once without ending the run. */
export const passingFaults = (): Fault[] => faultsOf((on) => passingOf(on, true));

/** Every way in which GitHub can refuse a request of a publication. */
export const refusals = (): Fault[] => faultsOf(refusalsOf);

/**
 * Publishes once for each fault. Nothing that is public may be incomplete at any time, and the end state must be that of an undisturbed run.
 * @returns the faults after which a second run was needed, each with the error of the first one
 */
export async function surviveFaults(faults: readonly Fault[]): Promise<{ what: string; code: string }[]> {
  quicken();
  const again: { what: string; code: string }[] = [];
  for (const scenario of SCENARIOS) {
    const own = faults.filter(({ on }) => scenario.requests.includes(on));
    if (own.length === 0) continue;
    const place = await publishingHere();
    const { github, publish, lines } = place;
    await scenario.prepare(place);
    const before = github.repository.save();
    await publish('4.18.0', CHANNEL);
    const wanted = github.repository.summary();
    expect(wanted.releases).toMatchObject([{ draft: false }]);
    github.watch.isOn = true;
    for (const fault of own) {
      const what = `${scenario.name}: ${fault.on}: ${JSON.stringify(fault.how)}`;
      github.repository.restore(before);
      const count = github.fail(fault);
      await publish('4.18.0', CHANNEL).catch(async (error: Error & { code: string; hint?: string }) => {
        expect(error, what).toMatchObject({ code: expect.any(String), hint: expect.any(String) });
        again.push({ what, code: error.code });
        await publish('4.18.0', CHANNEL);
      });
      expect(count(), what).toBe(1);
      expect(github.repository.summary(), what).toEqual(wanted);
      github.injection.clear();
      expect(incompleteReleases(github.repository), what).toEqual([]);
    }
    expect(lines.join('\n')).not.toMatch(/s3cret|s1gned/);
  }
  console.log(
    `injected ${faults.length}, survived ${faults.length}, ${again.length} of them by a second run`,
  );
  return again;
}
