import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect } from 'vitest';
import { packagedRelease } from '../packaged-release.ts';
import { contentOf, PUBLIC_URL } from '../published.ts';
import { temporaryFolder } from '../sandbox.ts';
import { ANSWERS, type Fault, type FaultKind } from './faults.ts';
import { s3Place } from './place.ts';
import type { S3Simulator } from './simulator.ts';

/** Requests of a publication that fail. */
const REQUESTS = {
  list: /^ListObjectsV2 /,
  head: /^HeadObject /,
  get: /^GetObject .*\/InRelease$/,
  lock: /^PutObject coturn\/\.lock$/,
  package: /^PutObject .*\.deb$/,
  pointer: /^PutObject .*\/InRelease$/,
  unlock: /^DeleteObject coturn\/\.lock$/,
};

type Request = keyof typeof REQUESTS;

const ALL = Object.keys(REQUESTS) as Request[];
const PUTS: Request[] = ['lock', 'package', 'pointer'];

/** The faults that turnbuild survives, and the requests that have them. */
const SURVIVED: Record<string, [FaultKind, readonly Request[]]> = {
  'cut-before': ['cut-before', ALL],
  'cut-after': ['cut-after', ALL],
  'cut-body': ['cut-body', ['list', 'get', ...PUTS]],
  slowDown: [ANSWERS.slowDown, ALL],
  internal: [ANSWERS.internal, ALL],
  conflict: [ANSWERS.conflict, PUTS],
  badDigest: [ANSWERS.badDigest, PUTS],
  timeout: [ANSWERS.timeout, PUTS],
};

/** The faults that end a run. */
const LASTING: Record<string, [FaultKind, readonly Request[]]> = {
  denied: [ANSWERS.denied, ['list', 'head', 'get', ...PUTS]],
  expired: [ANSWERS.expired, ['list', 'get', ...PUTS]],
  quota: [ANSWERS.quota, PUTS],
};

export interface Scenario {
  /** E.g. `cut-after`, `denied pointer`. */
  kind: string;
  survives: boolean;
  faults: readonly Fault[];
}

/** In a run that survives, one request of each kind fails. */
const SCENARIOS: readonly Scenario[] = [
  ...Object.entries(SURVIVED).map(([kind, [fault, requests]]) => ({
    kind,
    survives: true,
    faults: requests.map((name) => ({ on: REQUESTS[name], kind: fault })),
  })),
  ...Object.entries(LASTING).flatMap(([kind, [fault, requests]]) =>
    requests.map((name) => ({
      kind: `${kind} ${name}`,
      survives: false,
      faults: [{ on: REQUESTS[name], kind: fault }],
    })),
  ),
];

/** What a bucket contains, as `contentOf` describes it. */
function contentIn({ objects }: S3Simulator): Record<string, string> {
  const dir = temporaryFolder();
  for (const [path, { bytes }] of objects) {
    mkdirSync(dirname(join(dir, path)), { recursive: true });
    writeFileSync(join(dir, path), bytes);
  }
  return contentOf(dir);
}

/**
 * Publishes a second release while requests fail, and publishes again if that ended with an error. Expects the result of an undisturbed run.
 * @param choose the scenarios to try
 */
export async function publishWithFaults(
  signing: { home: string; key: string },
  choose: (scenario: Scenario) => boolean,
): Promise<void> {
  const first = await s3Place('apt', signing, { url: PUBLIC_URL });
  expect(await first.run('publish')).toMatchObject({ code: 0 });
  const publishNext = async (faults: readonly Fault[]) => {
    const { simulator, out, run } = await s3Place('apt', signing, { url: PUBLIC_URL });
    for (const [key, object] of first.simulator.objects) simulator.objects.set(key, object);
    packagedRelease(out, { version: '4.19.0' });
    simulator.faults.set(...faults);
    const result = await run('publish', ['4.19.0']);
    const happened = [...simulator.faults.happened];
    simulator.faults.set();
    if (result.code !== 0) expect(await run('publish', ['4.19.0'])).toMatchObject({ code: 0, stderr: '' });
    expect(simulator.unknown).toEqual([]);
    return { ...result, happened, content: contentIn(simulator) };
  };
  const wanted = (await publishNext([])).content;
  expect(Object.keys(wanted).filter((path) => path.includes('4.19.0')).length).toBeGreaterThan(0);
  const chosen = SCENARIOS.filter(choose);
  expect(chosen.length).toBeGreaterThan(0);
  for (const { kind, survives, faults } of chosen) {
    const { code, stderr, happened, content } = await publishNext(faults);
    expect(happened, kind).toHaveLength(faults.length);
    if (survives) expect({ code, stderr }, kind).toEqual({ code: 0, stderr: '' });
    else {
      expect({ code, stderr }, kind).toMatchObject({
        code: 1,
        stderr: expect.stringMatching(/^turnbuild: s3:/),
      });
      expect(stderr, kind).toMatch(/\[(STORE|CREDENTIALS)_[A-Z_]+\]\n$/);
    }
    expect(content, kind).toEqual(wanted);
  }
  const survived = chosen.filter(({ survives }) => survives).flatMap(({ faults }) => faults).length;
  console.log(
    `${chosen.flatMap(({ faults }) => faults).length} faults in ${chosen.length} runs: ${survived} survived, the others ended in one error and were finished by running again`,
  );
}
