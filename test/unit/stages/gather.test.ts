import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { PlannedStep } from '../../../src/plan/types.ts';
import { createTurns } from '../../../src/run/turns.ts';
import type { StageContext } from '../../../src/stages/shared/context.ts';
import { together } from '../../../src/stages/verify/gather.ts';

const STEP = {} as PlannedStep;
const piecesOf = (jobs: number) => {
  const turns = createTurns(jobs, 0);
  return (_: PlannedStep, work: () => Promise<unknown>) => turns.piece({ emulated: false, rank: 0 }, work);
};
const interrupt = new AbortController();
const contextFor = (jobs: number) =>
  ({ io: { signal: interrupt.signal }, piece: piecesOf(jobs) }) as unknown as StageContext;

/** Tasks that record their start, and their end with its reason. */
function recorder() {
  const log: string[] = [];
  const work =
    (name: string, outcome: 'ends' | 'fails' = 'ends', ms = 20) =>
    async ({ io }: StageContext) => {
      log.push(`${name} begins`);
      await pause(ms, undefined, { signal: io.signal }).catch(() => {
        log.push(`${name} is ended`);
        throw new Error(`${name} was interrupted`);
      });
      log.push(`${name} ${outcome}`);
      if (outcome === 'fails') throw new Error(`${name} is wrong`);
    };
  return { log, work };
}

describe('together', () => {
  it('runs tasks in parallel with enough jobs', async () => {
    const { log, work } = recorder();
    await together(STEP, contextFor(2), [work('one', 'ends', 40), work('two')]);
    expect(log).toEqual(['one begins', 'two begins', 'two ends', 'one ends']);
  });

  it('runs tasks in sequence with one job', async () => {
    const { log, work } = recorder();
    await together(STEP, contextFor(1), [work('one'), work('two')]);
    expect(log).toEqual(['one begins', 'one ends', 'two begins', 'two ends']);
  });

  it('shares the jobs with other steps', async () => {
    const { log, work } = recorder();
    const context = contextFor(1);
    await Promise.all([together(STEP, context, [work('a')]), together(STEP, context, [work('b')])]);
    expect(log).toEqual(['a begins', 'a ends', 'b begins', 'b ends']);
  });

  it('aborts the other tasks when one fails, and rejects with its error', async () => {
    const { log, work } = recorder();
    const done = together(STEP, contextFor(2), [work('one', 'fails'), work('two', 'ends', 60_000)]);
    await expect(done).rejects.toThrow('one is wrong');
    expect(log).toEqual(['one begins', 'two begins', 'one fails', 'two is ended']);
  });

  it('does not start waiting tasks after a failure', async () => {
    const { log, work } = recorder();
    await expect(together(STEP, contextFor(1), [work('one', 'fails'), work('two')])).rejects.toThrow(
      'one is wrong',
    );
    expect(log).toEqual(['one begins', 'one fails']);
  });

  it('aborts its tasks when the signal of the run aborts', async () => {
    const { log, work } = recorder();
    const outside = new AbortController();
    const context = { io: { signal: outside.signal }, piece: piecesOf(2) } as unknown as StageContext;
    const done = together(STEP, context, [work('one', 'ends', 60_000)]);
    outside.abort();
    await expect(done).rejects.toThrow('one was interrupted');
    expect(log).toEqual(['one begins', 'one is ended']);
  });
});
