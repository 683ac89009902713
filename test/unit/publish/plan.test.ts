import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import {
  type Destination,
  formatPublishPlan,
  isUpToDate,
  type PublishPlan,
  parsePublishPlan,
  requirePlanned,
} from '../../../src/publish/plan.ts';

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');
const [A, B, C] = ['a', 'b', 'c'].map((digit) => digit.repeat(64)) as [string, string, string];

const OTHER_KEY = 'E'.repeat(40);

const DESTINATION: Destination = {
  to: 'apt',
  where: '/srv/packages',
  channel: 'testing',
  key: 'F'.repeat(40),
  url: 'https://packages.example.org',
  origin: null,
  pointers: [{ path: 'apt/dists/trixie-testing/InRelease', before: A, after: B }],
  actions: [
    { do: 'create', path: 'apt/pool/x.deb', size: 100, sha256: A, file: 'x.deb' },
    { do: 'replace', path: 'apt/dists/trixie-testing/main/binary-arm64/Packages', size: 20, sha256: B },
    { do: 'reuse', path: 'key.asc', size: 7, sha256: C },
    { do: 'point', path: 'apt/dists/trixie-testing/InRelease' },
  ],
};

const PLAN: PublishPlan = {
  kind: 'publish',
  schema: 1,
  turnbuild: '0.1.0',
  verb: 'publish',
  releases: ['4.18.0+turnbuild-1'],
  manifest: A,
  accepted: [],
  destinations: [DESTINATION],
};

const withDestination = (change: Partial<Destination>): PublishPlan => ({
  ...PLAN,
  destinations: [{ ...DESTINATION, ...change }],
});
const pointing = (before: string | null, after: string) =>
  withDestination({ pointers: [{ path: 'apt/dists/trixie-testing/InRelease', before, after }] });

describe('a plan', () => {
  it('is read as it was written', () => {
    expect(parsePublishPlan('publish.json', formatPublishPlan(PLAN, sha256), sha256)).toEqual(PLAN);
  });

  it('is refused if it was edited', () => {
    const text = formatPublishPlan(PLAN, sha256).replace('"testing"', '"stable"');
    expect(() => parsePublishPlan('publish.json', text, sha256)).toThrow(
      expect.objectContaining({ code: 'PLAN_CHANGED' }),
    );
  });

  it('says whether there is anything to do', () => {
    expect(isUpToDate(DESTINATION)).toBe(false);
    expect(isUpToDate({ ...DESTINATION, actions: [{ do: 'reuse', path: 'key.asc' }] })).toBe(true);
  });
});

describe('requirePlanned', () => {
  const check = (now: PublishPlan) => () => requirePlanned(PLAN, now, 'publish.json');

  it('accepts the same plan', () => {
    expect(check(PLAN)).not.toThrow();
  });

  it('accepts what an interrupted run of the plan has done', () => {
    const [create, ...others] = DESTINATION.actions;
    const stored = [{ ...create, do: 'reuse' as const, path: 'apt/pool/x.deb' }, ...others];
    expect(check(withDestination({ actions: stored }))).not.toThrow();
    expect(check(pointing(B, B))).not.toThrow();
  });

  it('accepts indices that another machine compresses differently', () => {
    const actions = DESTINATION.actions.map((each) =>
      each.file === undefined ? { ...each, sha256: C } : each,
    );
    expect(check(withDestination({ actions }))).not.toThrow();
  });

  const DRAFT = 'releases/4.18.0+turnbuild-1';
  const onGithub = (...actions: Destination['actions']): PublishPlan =>
    withDestination({ to: 'github', url: null, pointers: [], actions });
  const creates = onGithub(
    { do: 'create', path: DRAFT, marker: A },
    { do: 'create', path: `${DRAFT}/assets/SHA256SUMS`, size: 1, sha256: A },
  );

  it.each([
    ['a second draft, after a lost response', `${DRAFT}/drafts/7`],
    ['a file that was partly uploaded', `${DRAFT}/assets/SHA256SUMS`],
  ])("accepts that %s of the plan's own interrupted run is deleted", (_, path) => {
    expect(() => requirePlanned(creates, onGithub({ do: 'delete', path }), 'publish.json')).not.toThrow();
  });

  it.each([
    ['a draft', `${DRAFT}/drafts/7`, onGithub({ do: 'reuse', path: `${DRAFT}/assets/x` })],
    ['a draft of another release', 'releases/4.19.0+turnbuild-1/drafts/7', creates],
    ['a file of a draft', `${DRAFT}/assets/x`, creates],
  ])('refuses to delete %s that is not in the plan', (_, path, given) => {
    expect(() => requirePlanned(given, onGithub({ do: 'delete', path }), 'publish.json')).toThrow(
      expect.objectContaining({
        code: 'PUBLISH_PLAN_STALE',
        message: expect.stringContaining(`${path} would be deleted, which is not in the plan`),
      }),
    );
  });

  it('accepts in a run that made its own plan that leftovers appear late', () => {
    const late = onGithub({ do: 'delete', path: `${DRAFT}/drafts/7` });
    expect(() => requirePlanned(onGithub(), late)).not.toThrow();
  });

  it('accepts that a planned deletion was already made', () => {
    const given = onGithub({ do: 'delete', path: `${DRAFT}/drafts/7` });
    expect(() => requirePlanned(given, onGithub(), 'publish.json')).not.toThrow();
  });

  it('refuses a plan if clients trust fewer keys', () => {
    expect(() => requirePlanned(withDestination({ extraKeys: [OTHER_KEY] }), PLAN, 'publish.json')).toThrow(
      expect.objectContaining({ code: 'PUBLISH_PLAN_STALE' }),
    );
  });

  it('tells a run without a given plan to start again', () => {
    expect(() => requirePlanned(PLAN, pointing(C, B))).toThrow(
      expect.objectContaining({ hint: 'Run the same command again.' }),
    );
  });

  it.each<[string, PublishPlan, string]>([
    ['another run has published since', pointing(C, B), 'was changed by another run'],
    ['the repository was emptied', pointing(null, B), 'was changed by another run'],
    ['the result differs', pointing(A, C), 'would get different content'],
    ['it is another repository', withDestination({ where: '/srv/other' }), 'the destinations in the plan'],
    ['it is another channel', withDestination({ channel: 'stable' }), 'the destinations in the plan'],
    ['it is another URL', withDestination({ url: 'https://example.org' }), 'the destinations in the plan'],
    ['it is another origin', withDestination({ origin: 'Example' }), 'the destinations in the plan'],
    ['it is another key', withDestination({ key: 'E'.repeat(40) }), 'the destinations in the plan'],
    ['clients trust more keys', withDestination({ extraKeys: [OTHER_KEY] }), `extra key ${OTHER_KEY}`],
    ['it is another release', { ...PLAN, manifest: B }, 'the release in the plan'],
    [
      'it has another file',
      withDestination({
        actions: [
          ...DESTINATION.actions,
          { do: 'create', path: 'apt/pool/y.deb', size: 1, sha256: A, file: 'y.deb' },
        ],
      }),
      'apt/pool/y.deb is not as planned',
    ],
    [
      'a file has another content',
      withDestination({
        actions: [{ do: 'create', path: 'apt/pool/x.deb', size: 100, sha256: B, file: 'x.deb' }],
      }),
      'apt/pool/x.deb is not as planned',
    ],
    [
      'it has another suite',
      withDestination({ pointers: [{ path: 'apt/dists/bookworm/InRelease', before: null, after: B }] }),
      'apt/dists/bookworm/InRelease is not in the plan',
    ],
    ['it lacks a file', withDestination({ actions: [] }), 'apt/pool/x.deb is not as planned'],
    ['it lacks a suite', withDestination({ pointers: [] }), 'InRelease would not be changed'],
    ['it withdraws', { ...PLAN, verb: 'withdraw', reason: 'bad' }, 'the release in the plan'],
  ])('refuses a plan if %s', (_, now, message) => {
    expect(check(now)).toThrow(
      expect.objectContaining({ code: 'PUBLISH_PLAN_STALE', message: expect.stringContaining(message) }),
    );
  });
});
