import { setTimeout as pause } from 'node:timers/promises';
import type { DrainFacts } from '../facts.ts';
import { type Laboratory, relay, secondsSince, type Way } from '../laboratory.ts';
import type { Machine } from '../vm.ts';

/** A session of ten seconds, half of the time that the settings give to sessions. */
const SESSION = { messages: 40, gapMs: 250 };
/** Milliseconds from the begin of the session to the pressing of the power button. */
const PRESSED_MS = 2000;

/** Switches the machine off during a session. @param limitMs until it must be off */
export async function drainAt(
  { client }: Laboratory,
  machine: Machine,
  { server, secret, limitMs }: Pick<Way, 'server'> & { secret: string; limitMs: number },
): Promise<{ facts: DrainFacts; off: boolean }> {
  const session = relay(client, { transport: 'udp', server }, secret, SESSION);
  await pause(PRESSED_MS);
  let wentOff: number | undefined;
  const off = machine.powerOff(limitMs).then((done) => {
    wentOff = Date.now();
    return done;
  });
  const outcome = await session;
  const ended = Date.now();
  const early = wentOff === undefined ? 0 : ended - wentOff;
  const done = await off;
  return { facts: { relay: outcome, after: early > 0 ? -early / 1000 : secondsSince(ended) }, off: done };
}
