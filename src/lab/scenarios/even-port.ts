import { setTimeout as pause } from 'node:timers/promises';
import { attribute } from '../../turn/attributes.ts';
import type { TurnClient } from '../../turn/client.ts';
import type { EvenPortFacts } from '../facts.ts';
import { allocateAll, connectMany, RELEASE_MS, release } from './capacity.ts';
import { endAllocation, type Tried } from './session.ts';

/** Relay ports of the configuration. Half of them are even, enough for the ended allocations whose ports are not yet free. */
export const EVEN_PORTS = 2000;
/** Clients per group, and milliseconds between groups, because ended allocations keep their ports for seconds. */
const GROUP = 150;
const PACE_MS = 1000;

/**
 * Number of groups whose sockets stay open after their allocations have ended. While the server remembers an allocation, it answers a new client
 * with the same source port with 437. Older groups are closed, because a process cannot open as many files as there are cycles.
 */
const GROUPS_OPEN = 2 + Math.ceil(RELEASE_MS / PACE_MS);

/** Allocates and releases an even port many times, then fills the pool, which must be as large as before. */
export async function cycleEvenPorts(tried: Tried, cycles: number): Promise<EvenPortFacts> {
  const words: string[] = [];
  const ended: TurnClient[][] = [];
  for (let done = 0; done < cycles; done += GROUP) {
    const clients = await connectMany(tried, Math.min(GROUP, cycles - done));
    words.push(...(await allocateAll(clients, [attribute.evenPort(false)])));
    await Promise.all([pause(PACE_MS), ...clients.map(endAllocation)]);
    ended.push(clients);
    if (ended.length > GROUPS_OPEN) closeAll(ended.shift() ?? []);
  }
  await pause(RELEASE_MS);
  closeAll(ended.flat());
  const clients = await connectMany(tried, EVEN_PORTS);
  const served = await allocateAll(clients, []);
  await release(clients);
  const count = (list: readonly string[]) => list.filter((word) => word === 'success').length;
  return {
    cycles,
    granted: count(words),
    refused: [...new Set(words.filter((word) => word !== 'success'))],
    ports: EVEN_PORTS,
    servedAfterwards: count(served),
  };
}

function closeAll(clients: readonly TurnClient[]): void {
  for (const client of clients) client.close();
}
