import { startAwakeTimer } from './awake-timer.ts';
import type { Transport } from './transport.ts';

/** Retransmission timing: how long a client waits for an answer. */
export interface Patience {
  /** Milliseconds before the first retransmission; the interval doubles each time. RFC 8489, 6.2.1. */
  rtoMs: number;
  /** Maximum number of times a request is sent over an unreliable transport. */
  sentAtMost: number;
  /** Milliseconds to wait after the last transmission. */
  lastMs: number;
  /** Milliseconds to wait for an answer over a reliable transport: RFC 8489, 6.2.2. */
  reliableMs: number;
}

/** The timing of RFC 8489 for the internet, which gives up after 39.5 s. */
export const RFC_PATIENCE: Patience = { rtoMs: 500, sentAtMost: 7, lastMs: 8_000, reliableMs: 39_500 };

/** The server did not answer any transmission of a request. */
export class NoAnswer extends Error {}

/** Sends a request until its answer arrives, with retransmissions over an unreliable transport. @throws NoAnswer */
export async function exchange<T>(
  transport: Transport,
  bytes: Buffer,
  { patience, ended }: { patience: Patience; ended: Promise<string> | undefined },
  register: (resolve: (answer: T) => void) => () => void,
): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    let stopTimer = () => {};
    let settled = false;
    const settle = () => {
      settled = true;
      stopTimer();
      unregister();
    };
    const unregister = register((answer) => {
      settle();
      resolve(answer);
    });
    const give = (why: string) => {
      if (settled) return;
      settle();
      reject(new NoAnswer(why));
    };
    void transport.closed.then((why) => give(`the connection was closed: ${why}`));
    void ended?.then((how) => give(`the server ended: ${how}`));
    let sent = 0;
    const attempt = () => {
      if (settled) return;
      if (sent === (transport.lossy ? patience.sentAtMost : 1))
        return give(`no answer to ${sent} ${sent === 1 ? 'request' : 'requests'}`);
      transport.send(bytes);
      sent += 1;
      const last = sent === patience.sentAtMost;
      const pause = last ? patience.lastMs : patience.rtoMs * 2 ** (sent - 1);
      stopTimer = startAwakeTimer(transport.lossy ? pause : patience.reliableMs, attempt);
    };
    attempt();
  });
}
