import { describe, expect, it } from 'vitest';
import { createGraph, type GraphNode } from '../../../src/run/graph.ts';

const node = (id: string, more: Partial<GraphNode> = {}): GraphNode => ({
  ...{ id, needs: [], after: [], kind: 'docker', emulated: false, rank: 0 },
  ...more,
});

/** Runs all nodes of a graph. The test decides when each ends, and whether it fails. */
function workshop(nodes: readonly GraphNode[], jobs: number) {
  const graph = createGraph(nodes, jobs);
  const begun: string[] = [];
  const ends = new Map<string, (error?: Error) => void>();
  const outcomes = new Map<string, string>();
  const settle = () => new Promise((resolve) => setTimeout(resolve, 30));
  for (const { id } of nodes)
    graph
      .perform(id, () => {
        begun.push(id);
        return new Promise<void>((resolve, reject) =>
          ends.set(id, (error) => (error === undefined ? resolve() : reject(error))),
        );
      })
      .then(
        (missing) => outcomes.set(id, missing.length === 0 ? 'done' : `left for ${missing.join(', ')}`),
        (error: Error) => outcomes.set(id, error.message),
      );
  return {
    outcomes,
    /** Nodes that started since the last call. */
    async begins(): Promise<string[]> {
      await settle();
      return begun.splice(0);
    },
    async end(id: string, error?: Error): Promise<string[]> {
      ends.get(id)?.(error);
      await settle();
      return begun.splice(0);
    },
  };
}

describe('a graph', () => {
  it('starts a node only after all nodes it needs have finished', async () => {
    const shop = workshop(
      [
        node('publish', { needs: ['a', 'b'] }),
        node('a'),
        node('b'),
        node('other', { needs: ['done before'] }),
      ],
      4,
    );
    expect(await shop.begins()).toEqual(['a', 'b', 'other']);
    expect(await shop.end('a')).toEqual([]);
    expect(await shop.end('b')).toEqual(['publish']);
  });

  it('skips nodes that need a failed node, names it, and continues with the others', async () => {
    const shop = workshop(
      [
        node('build 1'),
        node('verify 1', { needs: ['build 1'] }),
        node('publish', { needs: ['verify 1', 'verify 2'] }),
        node('build 2'),
        node('verify 2', { needs: ['build 2'] }),
      ],
      4,
    );
    await shop.begins();
    expect(await shop.end('build 1', new Error('no compiler'))).toEqual([]);
    expect(await shop.end('build 2')).toEqual(['verify 2']);
    expect(await shop.end('verify 2')).toEqual([]);
    expect(Object.fromEntries(shop.outcomes)).toEqual({
      'build 1': 'no compiler',
      'verify 1': 'left for build 1',
      publish: 'left for verify 1',
      'build 2': 'done',
      'verify 2': 'done',
    });
  });

  it('starts a node when the nodes in its "after" list have ended, even if they failed', async () => {
    const shop = workshop([node('arm64', { after: ['x86_64'] }), node('x86_64')], 4);
    expect(await shop.begins()).toEqual(['x86_64']);
    expect(await shop.end('x86_64', new Error('no mirror'))).toEqual(['arm64']);
  });

  it('limits the running nodes of each kind except plain ones, and starts lower ranks first', async () => {
    const shop = workshop(
      [
        ...[node('c', { rank: 3 }), node('a', { rank: 1 }), node('b', { rank: 2 })],
        ...[node('boot 1', { kind: 'boot' }), node('boot 2', { kind: 'boot' })],
        ...[node('plain 1', { kind: 'plain' }), node('plain 2', { kind: 'plain' })],
      ],
      1,
    );
    const begun = await shop.begins();
    expect(begun.filter((id) => !id.startsWith('plain'))).toEqual(['c', 'boot 1']);
    expect(begun).toHaveLength(4);
    expect(await shop.end('c')).toEqual(['a']);
    expect(await shop.end('boot 1')).toEqual(['boot 2']);
  });

  it('never makes native nodes wait for emulated ones', async () => {
    const emulated = { emulated: true };
    const shop = workshop(
      [
        ...[node('e1', emulated), node('e2', emulated), node('e3', emulated)],
        ...[node('n1'), node('n2', { needs: ['n1'] })],
      ],
      2,
    );
    expect(await shop.begins()).toEqual(['e1', 'n1']);
    // One slot is reserved for native nodes that are still to come.
    expect(await shop.end('n1')).toEqual(['n2']);
    expect(await shop.end('n2')).toEqual(['e2']);
    expect(await shop.end('e1')).toEqual(['e3']);
  });

  it('gives a slot reserved for native nodes to an emulated one if those are skipped', async () => {
    const shop = workshop(
      [
        node('e1', { emulated: true }),
        node('e2', { emulated: true }),
        node('n1'),
        node('n2', { needs: ['n1'] }),
      ],
      2,
    );
    expect(await shop.begins()).toEqual(['e1', 'n1']);
    expect(await shop.end('n1', new Error('no compiler'))).toEqual(['e2']);
  });

  it('refuses a cycle', () => {
    const nodes = [node('a', { needs: ['b'] }), node('b', { after: ['c'] }), node('c', { needs: ['a'] })];
    expect(() => createGraph(nodes, 1)).toThrow('steps need each other: a, b, c, a');
  });
});

it('a graph refuses an unknown node', async () => {
  const { perform } = createGraph([node('a')], 1);
  await expect(perform('b', async () => {})).rejects.toThrow('the graph has no b');
});
