import type { Kind } from '../stages/shared/context.ts';
import { createTurns, type TakeTurn } from './turns.ts';

/** One unit of a release's work: a base image or a step. */
export interface GraphNode {
  id: string;
  /** Ids of nodes that must succeed first. Ids that are not in the graph are ignored: done earlier, or not selected. */
  needs: readonly string[];
  /** Ids of nodes that must end first, successfully or not. */
  after: readonly string[];
  kind: Kind;
  /** It runs under QEMU. */
  emulated: boolean;
  /** Of two nodes that could run, the one with the lower rank goes first. */
  rank: number;
}

/** Performs nodes as soon as their needs are done, with a limit for each kind. */
export interface Graph {
  /**
   * Does a node's work, once, when its turn has come.
   * @returns the ids of its needs that failed or were skipped; if there are any, the work was skipped
   * @throws the work's error
   */
  perform(id: string, work: () => Promise<void>): Promise<readonly string[]>;
  /** Does one piece of a node's work when its turn has come. The pieces of all nodes share one limit. */
  piece: TakeTurn;
}

/**
 * @param jobs limit for each kind of node, except plain ones
 * @throws Error for a cycle
 */
export function createGraph(nodes: readonly GraphNode[], jobs: number): Graph {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  requireOrder(byId);
  const ends = new Map(nodes.map(({ id }) => [id, deferred()]));
  const nativesOf = (kind: Kind) => nodes.filter((node) => node.kind === kind && !node.emulated).length;
  const turns = {
    docker: createTurns(jobs, nativesOf('docker')),
    boot: createTurns(jobs, nativesOf('boot')),
  };
  return {
    piece: turns.docker.piece,
    async perform(id, work) {
      const [node, end] = [byId.get(id), ends.get(id)];
      if (node === undefined || end === undefined) throw new Error(`the graph has no ${id}`);
      const pool = node.kind === 'plain' ? undefined : turns[node.kind];
      const endedWell = async (other: string) => (await ends.get(other)?.promise) ?? true;
      let well = false;
      try {
        await Promise.all(node.after.map(endedWell));
        const needs = await Promise.all(node.needs.map(endedWell));
        const missing = node.needs.filter((_, index) => needs[index] === false);
        if (missing.length > 0) return missing;
        await (pool === undefined ? work() : pool.step(node, work));
        well = true;
        return [];
      } finally {
        pool?.done(node.emulated ? 0 : 1);
        end.resolve(well);
      }
    },
  };
}

/** Refuses a cycle, whose nodes would wait for each other forever. */
function requireOrder(nodes: ReadonlyMap<string, GraphNode>): void {
  const settled = new Set<string>();
  const visit = (id: string, path: readonly string[]) => {
    const node = nodes.get(id);
    if (node === undefined || settled.has(id)) return;
    if (path.includes(id)) throw new Error(`steps need each other: ${[...path, id].join(', ')}`);
    for (const other of [...node.needs, ...node.after]) visit(other, [...path, id]);
    settled.add(id);
  };
  for (const id of nodes.keys()) visit(id, []);
}

function deferred(): { promise: Promise<boolean>; resolve: (well: boolean) => void } {
  let resolve: (well: boolean) => void = () => {};
  const promise = new Promise<boolean>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}
