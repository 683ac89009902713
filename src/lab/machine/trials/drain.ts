import { setTimeout as pause } from 'node:timers/promises';
import type { DrainFacts } from '../facts.ts';
import { DRAIN_SECONDS } from '../identity.ts';
import { type Laboratory, relay, secondsSince, type Way } from '../laboratory.ts';
import type { Machine } from '../vm.ts';

/** A session of ten seconds, half of the time that the settings give to sessions. */
const SESSION = { messages: 40, gapMs: 250 };
/** Milliseconds from the beginning of the session to the pressing of the power button. */
const PRESSED_MS = 2000;

/** Milliseconds until turn-agent must have given sessions their time again: after a changed address it is only 5 s. */
const SETTLED_MS = 30_000;

/** Waits until the machine has the drain time of its settings. @throws Error if it keeps another one */
async function settled({ probe }: Machine): Promise<void> {
  const read = async () => (await probe.run('cat /run/turn-agent/drain-seconds')).trim();
  let seconds = await read();
  for (const end = Date.now() + SETTLED_MS; seconds !== String(DRAIN_SECONDS) && Date.now() < end; ) {
    await pause(500);
    seconds = await read();
  }
  if (seconds !== String(DRAIN_SECONDS))
    throw new Error(`the drain time is ${seconds} s (expected ${DRAIN_SECONDS} s)`);
}

/** Switches the machine off during a session. @param limitMs until it must be off */
export async function drainAt(
  { client }: Laboratory,
  machine: Machine,
  { server, secret, limitMs }: Pick<Way, 'server'> & { secret: string; limitMs: number },
): Promise<{ facts: DrainFacts; off: boolean }> {
  await settled(machine);
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
