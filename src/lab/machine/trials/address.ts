import { setTimeout as pause } from 'node:timers/promises';
import type { MoveFacts } from '../facts.ts';
import { type Laboratory, relay, secondsSince, setPublic } from '../laboratory.ts';

/** Milliseconds until the new address must be in force. */
const IN_FORCE_MS = 120_000;
const ATTEMPT_MS = 200;

/** Gives the machine a public address while it runs. */
export async function moveTo(lab: Laboratory, public4: string, secret: string): Promise<MoveFacts> {
  const begin = Date.now();
  setPublic(lab.cloud, public4);
  const way = { transport: 'udp', server: public4 } as const;
  for (;;) {
    // turnserver that still has the old address gives that one to clients. Messages would be lost in its restart, and waited for.
    const answers = await lab.client.binds('udp', public4, 3478);
    const attempt = answers
      ? await relay(lab.client, way, secret, { messages: 0 })
      : { ...way, sent: 0, received: 0 };
    if (attempt.relayed === public4) {
      const seconds = secondsSince(begin);
      return { seconds, relay: await relay(lab.client, way, secret) };
    }
    if (Date.now() - begin > IN_FORCE_MS) return { relay: attempt };
    await pause(ATTEMPT_MS);
  }
}
