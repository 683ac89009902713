import { setTimeout as pause } from 'node:timers/promises';
import { attribute, UDP } from '../../turn/attributes.ts';
import type { Answer, TurnClient } from '../../turn/client.ts';
import { ATTRIBUTE, attributeOf, METHOD } from '../../turn/message.ts';
import type { CapacityFacts } from '../facts.ts';
import type { RunningServer } from '../subject.ts';
import type { Usage } from '../usage.ts';
import { connectUdp, hangUp, type Tried, wordOf } from './session.ts';

const CYCLES = 3;
/** Number of clients that try to allocate from the full pool. */
const REFUSALS = 3;
/** Number of clients that allocate concurrently. */
const BATCH = 50;
/** Milliseconds until coturn has released the ports of ended allocations: its timers tick once per second. */
export const RELEASE_MS = 4000;

/**
 * Fills the pool of relay ports three times, then with pairs of ports, and once more after these are released.
 * @param ports number of ports in the pool
 */
export async function fillPool(
  tried: Tried,
  server: Pick<RunningServer, 'usage'>,
  ports: number,
): Promise<CapacityFacts> {
  const before = await server.usage();
  const cycles: CapacityFacts['cycles'] = [];
  let full = before;
  for (let cycle = 0; cycle < CYCLES; cycle++) {
    const clients = await connectMany(tried, ports);
    const words = await allocateAll(clients, []);
    if (cycle === 0) full = await server.usage();
    const extra = await connectMany(tried, REFUSALS);
    const refusals = await timeRefusals(extra);
    cycles.push({ served: words.filter((word) => word === 'success').length, ...refusals });
    await release([...clients, ...extra]);
  }
  const pairs = await fillByPairs(tried, ports);
  const clients = await connectMany(tried, ports);
  const afterPairs = (await allocateAll(clients, [])).filter((word) => word === 'success').length;
  await release(clients);
  return {
    ports,
    cycles,
    ...pairs,
    afterPairs,
    perAllocation: perAllocation(before, full, ports),
  };
}

/** Resources per allocation; undefined if the usage could not be read. */
export function perAllocation(
  before: Usage | undefined,
  full: Usage | undefined,
  allocations: number,
): CapacityFacts['perAllocation'] {
  if (before === undefined || full === undefined) return undefined;
  return {
    files: (full.files - before.files) / allocations,
    residentBytes: Math.round((full.residentBytes - before.residentBytes) / allocations),
  };
}

/** Requests a port from the full pool with one client after another. @returns the fastest time, which a busy machine affects least */
async function timeRefusals(
  clients: readonly TurnClient[],
): Promise<Pick<CapacityFacts['cycles'][number], 'refused' | 'refusedMs'>> {
  const words = new Set<string>();
  const times: number[] = [];
  for (const client of clients) {
    const begin = Date.now();
    words.add(wordOf(await allocate(client, [])));
    times.push(Date.now() - begin);
  }
  return { refused: [...words].join(', '), refusedMs: Math.min(...times) };
}

/**
 * Allocates pairs of ports, as for RTP and RTCP: the server reserves the second port for a client that sends its token. All reservations are
 * claimed, because coturn keeps unclaimed ones for five minutes.
 */
async function fillByPairs(tried: Tried, ports: number): Promise<Pick<CapacityFacts, 'pairs' | 'claimed'>> {
  const firsts = await connectMany(tried, Math.floor(ports / 2) + 1);
  const answers = await askAll(firsts, () => [attribute.evenPort(true)]);
  const served = answers.filter((answer) => wordOf(answer) === 'success');
  const tokens = served.flatMap(({ message }) => attributeOf(message, ATTRIBUTE.reservationToken) ?? []);
  const seconds = await connectMany(tried, tokens.length);
  const claims = await askAll(seconds, (at) => tokens.slice(at, at + 1).map(attribute.reservationToken));
  await release([...firsts, ...seconds]);
  return {
    pairs: served.length,
    claimed: claims.filter((answer) => wordOf(answer) === 'success').length,
  };
}

export async function connectMany(tried: Tried, count: number): Promise<TurnClient[]> {
  return Promise.all(Array.from({ length: count }, () => connectUdp(tried)));
}

function allocate(client: TurnClient, more: Parameters<TurnClient['ask']>[1]): Promise<Answer> {
  return client.ask(METHOD.allocate, [attribute.requestedTransport(UDP), ...more]);
}

/** @returns one word for each answer */
export async function allocateAll(
  clients: readonly TurnClient[],
  more: Parameters<TurnClient['ask']>[1],
): Promise<string[]> {
  return (await askAll(clients, () => more)).map(wordOf);
}

/**
 * Allocates in small batches, because this tests the pool and not the socket buffers.
 * @param more additional attributes for the client at an index
 */
async function askAll(
  clients: readonly TurnClient[],
  more: (at: number) => Parameters<TurnClient['ask']>[1],
): Promise<Answer[]> {
  const answers: Answer[] = [];
  for (let at = 0; at < clients.length; at += BATCH) {
    const batch = clients.slice(at, at + BATCH).map((client, index) => allocate(client, more(at + index)));
    answers.push(...(await Promise.all(batch)));
  }
  return answers;
}

export async function release(clients: readonly TurnClient[]): Promise<void> {
  for (let at = 0; at < clients.length; at += BATCH)
    await Promise.all(clients.slice(at, at + BATCH).map((client) => hangUp(client)));
  await pause(RELEASE_MS);
}
