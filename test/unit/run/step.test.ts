import { describe, expect, it } from 'vitest';
import { TurnbuildError } from '../../../src/errors.ts';
import type { CheckResult, Manifest, ManifestStep } from '../../../src/manifest/schema.ts';
import type { PlannedStep } from '../../../src/plan/types.ts';
import { runStep } from '../../../src/run/step.ts';
import type { StageContext } from '../../../src/stages/shared/context.ts';
import { fixture } from '../ui/manifest-fixture.ts';

const check = (id: string, parts: Partial<CheckResult>): CheckResult => ({
  id,
  title: id,
  reason: '',
  figures: {},
  status: 'passed',
  message: 'all is well',
  ...parts,
});

const STEP = {
  id: 'verify:debian-13:x86_64',
  stage: 'verify',
  target: 'debian-13',
  arch: 'x86_64',
  needs: [],
} as unknown as PlannedStep;

/** Runs a step with these check results. Returns its record and its error. */
async function run(checks: CheckResult[]): Promise<{ step: ManifestStep; error: unknown; outcome: unknown }> {
  const stage = {
    planned: async () => ({}),
    inputs: async () => ({}),
    kind: 'docker' as const,
    commands: () => [],
    perform: async () => ({ outputs: [], checks }),
  };
  const table = { build: stage, package: stage, verify: stage, image: stage, boot: stage };
  const manifest: Manifest = { ...fixture(), steps: [] };
  const store = {
    earlier: [],
    read: () => manifest,
    record: async (step: ManifestStep) => {
      manifest.steps = [...manifest.steps.filter(({ id }) => id !== step.id), step];
    },
    recordBase: async () => {},
  };
  const context = {
    plan: { steps: [STEP] },
    rebuild: new Set(),
    bases: new Map(),
    noCache: true,
    dir: '/nowhere',
    io: { signal: new AbortController().signal, files: { sha256Text: (text: string) => text } },
  } as unknown as StageContext;
  const outcome = await runStep(STEP, context, { table, keys: new Map(), store, log: () => {} }).catch(
    (error: unknown) => ({
      error,
    }),
  );
  const [step] = manifest.steps;
  if (step === undefined || manifest.steps.length !== 1) throw new Error('not one step was recorded');
  const error = typeof outcome === 'object' ? outcome.error : undefined;
  return { step, error, outcome };
}

const TTL = check('network.ttl', {
  status: 'failed',
  message: 'at least one had a TTL of 1',
  cause: 'UDP answers leave with TTL 1',
});
const untried = (id: string) =>
  check(id, {
    status: 'blocked',
    message: 'not tried, because network.ttl failed',
    blockedBy: 'network.ttl',
  });

describe('a step with checks', () => {
  it('reports the cause, the counts, then each failed check, but only counts blocked ones', async () => {
    const alive = check('network.alive', {
      status: 'failed',
      message: 'rest: ended',
      cause: TTL.cause ?? '',
    });
    const { step, error } = await run([check('a', {}), TTL, alive, untried('network.udp'), untried('quota')]);
    const text = [
      'UDP answers leave with TTL 1',
      '2 checks failed, 2 could not run',
      'network.ttl: at least one had a TTL of 1',
      'network.alive: rest: ended',
    ].join('\n');
    expect(step).toMatchObject({ status: 'failed', error: text });
    expect(step.checks).toHaveLength(5);
    expect(error).toBeInstanceOf(TurnbuildError);
    expect(error).toMatchObject({ code: 'VERIFY_FAILED', message: text });
  });

  it('uses the singular for one failed check', async () => {
    const { step } = await run([check('a', { status: 'failed', message: 'no' })]);
    expect(step.error).toBe('1 check failed\na: no');
  });

  it('fails if checks are only blocked', async () => {
    const { step, error } = await run([check('a', {}), untried('network.udp')]);
    expect(step.status).toBe('failed');
    expect(error).toMatchObject({ code: 'VERIFY_FAILED' });
  });

  it('suggests --accept only if all failures are known vulnerabilities and nothing is blocked', async () => {
    const known = check('capacity.even-port', {
      status: 'failed',
      message: 'ports are lost',
      advisories: ['CVE-2026-1'],
    });
    expect((await run([known])).error).toMatchObject({
      hint: expect.stringContaining('--accept CVE-2026-1'),
    });
    expect((await run([known, untried('quota')])).error).toMatchObject({
      hint: expect.not.stringContaining('--accept'),
    });
  });

  it('is done if checks are only accepted or without a verdict', async () => {
    const { step, outcome } = await run([
      check('a', { status: 'accepted', advisories: ['CVE-2026-1'] }),
      check('b', { status: 'deselected' }),
      check('c', { status: 'cannot-here' }),
      check('d', { status: 'not-applicable' }),
      check('c', {}),
    ]);
    expect([outcome, step.status, step.error]).toEqual(['done', 'done', undefined]);
  });
});
