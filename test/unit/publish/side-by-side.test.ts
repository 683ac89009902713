import { describe, expect, it } from 'vitest';
import type { PublishAction } from '../../../src/publish/plan.ts';
import { independentGroups, sideBySide } from '../../../src/publish/side-by-side.ts';

const action = (word: string): PublishAction => {
  const [what, path] = word.split(' ') as [PublishAction['do'], string];
  return { do: what, path };
};

describe('independentGroups', () => {
  it('keeps the order of new files, replaced files and pointers', () => {
    const words = ['create a', 'create b', 'replace c', 'replace d', 'create e', 'point f', 'point g'];
    expect(independentGroups(words.map(action)).map((group) => group.map(({ path }) => path))).toEqual([
      ['a', 'b'],
      ['c', 'd'],
      ['e'],
      ['f', 'g'],
    ]);
  });

  it('replaces the key alone', () => {
    const words = ['replace a', 'replace key.asc', 'replace b', 'replace c'];
    expect(independentGroups(words.map(action)).map((group) => group.map(({ path }) => path))).toEqual([
      ['a'],
      ['key.asc'],
      ['b', 'c'],
    ]);
  });

  it('deletes one file after the other', () => {
    expect(independentGroups(['delete a', 'delete b'].map(action))).toHaveLength(2);
  });
});

describe('sideBySide', () => {
  /** Work that ends when the test says so. */
  function started(failing: readonly number[] = []) {
    const running: number[] = [];
    const ends = new Map<number, () => void>();
    const work = (item: number) =>
      new Promise<void>((resolve, reject) => {
        running.push(item);
        ends.set(item, () => (failing.includes(item) ? reject(new Error(`failed ${item}`)) : resolve()));
      });
    const end = async (item: number) => {
      ends.get(item)?.();
      await new Promise((resolve) => setImmediate(resolve));
    };
    return { running, work, end };
  }

  it('begins no more than a number at a time, in order', async () => {
    const { running, work, end } = started();
    const all = sideBySide([1, 2, 3, 4], 2, work);
    expect(running).toEqual([1, 2]);
    await end(2);
    expect(running).toEqual([1, 2, 3]);
    for (const item of [1, 3, 4]) await end(item);
    await all;
    expect(running).toEqual([1, 2, 3, 4]);
  });

  it('begins nothing after a failure, and waits for what was begun', async () => {
    const { running, work, end } = started([1]);
    let ended = false;
    const all = sideBySide([1, 2, 3], 2, work)
      .catch((error: Error) => error.message)
      .finally(() => {
        ended = true;
      });
    await end(1);
    expect({ running, ended }).toEqual({ running: [1, 2], ended: false });
    await end(2);
    expect(await all).toBe('failed 1');
    expect(running).toEqual([1, 2]);
  });
});
