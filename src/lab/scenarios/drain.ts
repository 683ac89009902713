import { setTimeout as pause } from 'node:timers/promises';
import type { DrainFacts } from '../facts.ts';
import type { Systemd } from '../systemd.ts';
import { exchange, openWay } from './relay.ts';
import { allocate, connectUdp, hangUp, silence, type Tried, wordOf } from './session.ts';

/** The unit's drain timeout in seconds. It exceeds the 11 s that turnserver takes to notice that all sessions have ended. */
export const DRAIN_SECONDS = 20;
/** Milliseconds for which the session sends messages during the stop. */
const TALK_MS = 5_000;
/** Milliseconds until turnserver drains: it checks about once a second. */
const HEARD_MS = 2_000;
/** Timeout in milliseconds for stopping a unit. */
const GIVE_UP_MS = 120_000;
/** Messages per batch. It is small because a dead session waits for each lost message. */
const BATCH = 10;

/** Stops a running unit during a session that ends in time. Counts the seconds from the session's end. */
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

/** Stops a running unit with an allocation whose client has vanished. Counts the seconds from the stop. */
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

/** Stops the unit, which may already be stopping. Returns the seconds until it was down, and its result. */
async function stopped(systemd: Systemd, unit: string): Promise<{ seconds: number; result: string }> {
  const begin = Date.now();
  await systemd.control('stop', '--no-block', unit);
  while (!/^(inactive|failed)$/.test(await systemd.property(unit, 'ActiveState'))) {
    if (Date.now() - begin > GIVE_UP_MS) return { seconds: GIVE_UP_MS / 1000, result: 'never stopped' };
    await pause(250);
  }
  return { seconds: (Date.now() - begin) / 1000, result: await systemd.property(unit, 'Result') };
}
