import { describe, expect, it } from 'vitest';
import { createTurns, type TakeTurn } from '../../../src/run/turns.ts';

/** Tasks that end on the test's command, and the list of started tasks in order. */
function workshop(take: TakeTurn) {
  const begun: string[] = [];
  const ends = new Map<string, (error?: Error) => void>();
  const settle = () => new Promise((resolve) => setTimeout(resolve, 30));
  return {
    begun,
    /** `n1` is native, `e1` emulated; the rank is the number. */
    async come(...names: string[]) {
      for (const name of names)
        void take({ emulated: name.startsWith('e'), rank: Number(name.slice(1)) }, () => {
          begun.push(name);
          return new Promise<void>((resolve, reject) =>
            ends.set(name, (error) => (error === undefined ? resolve() : reject(error))),
          );
        }).catch(() => {});
      await settle();
    },
    async end(name: string, error?: Error) {
      ends.get(name)?.(error);
      await settle();
    },
  };
}

describe('turns', () => {
  it('run as many tasks at a time as there are slots, in the order of their ranks', async () => {
    const { begun, come, end } = workshop(createTurns(2, 3).step);
    await come('n1', 'n2', 'n5', 'n4', 'n3');
    expect(begun).toEqual(['n1', 'n2']);
    await end('n2');
    expect(begun).toEqual(['n1', 'n2', 'n3']);
    await end('n1', new Error('failed'));
    expect(begun).toEqual(['n1', 'n2', 'n3', 'n4']);
  });

  it('go to native tasks before emulated ones', async () => {
    const { begun, come, end } = workshop(createTurns(2, 2).step);
    await come('n1', 'n2', 'e0', 'n9');
    await end('n1');
    expect(begun).toEqual(['n1', 'n2', 'n9']);
  });

  it('reserve a slot for expected native tasks, and release it when none are left', async () => {
    const turns = createTurns(2, 1);
    const { begun, come, end } = workshop(turns.step);
    await come('e1', 'e2', 'e3');
    expect(begun).toEqual(['e1']);
    await come('n7');
    expect(begun).toEqual(['e1', 'n7']);
    await end('n7');
    expect(begun).toEqual(['e1', 'n7']);
    turns.done(1);
    await come();
    expect(begun).toEqual(['e1', 'n7', 'e2']);
  });

  it('go to the next step of a package before a waiting step of higher rank', async () => {
    const { begun, come, end } = workshop(createTurns(1, 3).step);
    await come('n1', 'n2');
    const ended = end('n1');
    await come('n0');
    await ended;
    expect(begun).toEqual(['n1', 'n0']);
  });

  it('run emulated tasks with a single slot', async () => {
    const { begun, come, end } = workshop(createTurns(1, 5).step);
    await come('e1', 'e2');
    expect(begun).toEqual(['e1']);
    await end('e1');
    expect(begun).toEqual(['e1', 'e2']);
  });

  it('are counted separately for steps and their parallel pieces', async () => {
    const turns = createTurns(1, 1);
    const [steps, pieces] = [workshop(turns.step), workshop(turns.piece)];
    await steps.come('n1');
    await pieces.come('n1', 'n2');
    expect([steps.begun, pieces.begun]).toEqual([['n1'], ['n1']]);
  });
});
