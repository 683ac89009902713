import { setTimeout as pause } from 'node:timers/promises';
import type { DrainFacts } from '../facts.ts';
import type { Systemd } from '../systemd.ts';
import { exchange, openWay } from './relay.ts';
import { allocate, connectClient, hangUp, silence, wordOf } from './session.ts';

/** Seconds that the unit in the laboratory waits for sessions: longer than turnserver takes to see that nobody is left. */
export const DRAIN_SECONDS = 45;
/** Milliseconds in which the session talks during the stop. */
const TALK_MS = 5_000;
/** turnserver looks about once a second whether it has to drain. */
const HEARD_MS = 2_000;
/** Milliseconds after a start: UDP listeners and authentication threads come right after it. */
const SERVING_MS = 2_000;
/** Milliseconds after which a unit is taken for one that never stops. */
const GIVE_UP_MS = 120_000;
/** Messages at a time: a session that nobody serves any more waits for each of them. */
const BATCH = 10;

/**
 * Stops the running unit under a session, starts it again, and stops it under a client that has vanished.
 * @param unit of a turnserver that drains, whose configuration has the laboratory's account
 */
export async function stopUnderSessions(systemd: Systemd, unit: string): Promise<DrainFacts> {
  await started(systemd, unit);
  const session = await stopUnderSession(systemd, unit);
  await started(systemd, unit);
  const vanished = await connectClient('udp', 'ipv4');
  await openWay(vanished, 'ipv4', 'send');
  vanished.close();
  const { seconds: abandoned, result } = await stopped(systemd, unit);
  const { newcomer, sent, received, seconds: ended } = session;
  return {
    deadline: DRAIN_SECONDS,
    newcomer,
    sent,
    received,
    ended,
    abandoned,
    results: [session.result, result],
  };
}

async function started(systemd: Systemd, unit: string): Promise<void> {
  systemd.control('start', unit);
  await pause(SERVING_MS);
}

async function stopUnderSession(systemd: Systemd, unit: string) {
  const client = await connectClient('udp', 'ipv4');
  await openWay(client, 'ipv4', 'send');
  systemd.control('stop', '--no-block', unit);
  await pause(HEARD_MS);
  const newcomer = await connectClient('udp', 'ipv4');
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

/** Stops the unit, which may be stopping already. Returns seconds until it was down, and its result. */
async function stopped(systemd: Systemd, unit: string): Promise<{ seconds: number; result: string }> {
  const begin = Date.now();
  systemd.control('stop', '--no-block', unit);
  while (!/^(inactive|failed)$/.test(systemd.property(unit, 'ActiveState'))) {
    if (Date.now() - begin > GIVE_UP_MS) return { seconds: GIVE_UP_MS / 1000, result: 'never stopped' };
    await pause(100);
  }
  return { seconds: (Date.now() - begin) / 1000, result: systemd.property(unit, 'Result') };
}
