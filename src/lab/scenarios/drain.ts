import { setTimeout as pause } from 'node:timers/promises';
import type { DrainFacts } from '../facts.ts';
import type { Systemd } from '../systemd.ts';
import { exchange, openWay } from './relay.ts';
import { allocate, connectUdp, hangUp, silence, type Tried, wordOf } from './session.ts';

/** Seconds that the unit in the laboratory waits for sessions: longer than turnserver takes to see that nobody is left (11 s). */
export const DRAIN_SECONDS = 20;
/** Milliseconds in which the session talks during the stop. */
const TALK_MS = 5_000;
/** turnserver looks about once a second whether it has to drain. */
const HEARD_MS = 2_000;
/** Milliseconds after which a unit is taken for one that never stops. */
const GIVE_UP_MS = 120_000;
/** Messages at a time: a session that nobody serves any more waits for each of them. */
const BATCH = 10;

/** Stops a running unit under a session that ends in time. Seconds count from the session's end. */
export async function stopUnderSession(
  tried: Tried,
  systemd: Systemd,
  unit: string,
): Promise<DrainFacts['session']> {
  const client = await connectUdp(tried);
  await openWay(client, 'ipv4', 'send');
  await systemd.control('stop', '--no-block', unit);
  await pause(HEARD_MS);
  const newcomer = await connectUdp(tried);
  const answer = await allocate(newcomer, 'ipv4').then(wordOf, silence);
  await hangUp(newcomer);
  const talk = { sent: 0, received: 0 };
  const end = Date.now() + TALK_MS;
  while (Date.now() < end) {
    const { sent, received } = await exchange(client, 'ipv4', 'send', BATCH);
    talk.sent += sent;
    talk.received += received;
  }
  await hangUp(client);
  return { newcomer: answer, ...talk, ...(await stopped(systemd, unit)) };
}

/** Stops a running unit under a client that is gone and has not said so. Seconds count from the stop. */
export async function stopUnderVanished(
  tried: Tried,
  systemd: Systemd,
  unit: string,
): Promise<DrainFacts['vanished']> {
  const client = await connectUdp(tried);
  await openWay(client, 'ipv4', 'send');
  client.close();
  return stopped(systemd, unit);
}

/** Stops the unit, which may be stopping already. Returns seconds until it was down, and its result. */
async function stopped(systemd: Systemd, unit: string): Promise<{ seconds: number; result: string }> {
  const begin = Date.now();
  await systemd.control('stop', '--no-block', unit);
  while (!/^(inactive|failed)$/.test(await systemd.property(unit, 'ActiveState'))) {
    if (Date.now() - begin > GIVE_UP_MS) return { seconds: GIVE_UP_MS / 1000, result: 'never stopped' };
    await pause(250);
  }
  return { seconds: (Date.now() - begin) / 1000, result: await systemd.property(unit, 'Result') };
}
