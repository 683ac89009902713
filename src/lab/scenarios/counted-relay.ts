import { setTimeout as pause } from 'node:timers/promises';
import type { LabFacts, SessionFacts } from '../facts.ts';
import type { RemoteAgent } from '../remote.ts';
import { METRICS } from '../server-configuration.ts';
import { MESSAGE_BYTES, type RelayPlan, relayAll } from './relay.ts';
import type { Tried } from './session.ts';

/** Timeout in milliseconds until ended sessions appear in the metrics. */
const SETTLE_MS = 15_000;

/** Relays messages, and scrapes the metrics before and after. */
export async function relayAndCount(
  tried: Tried,
  agent: RemoteAgent,
  plan: RelayPlan,
): Promise<{ relays: LabFacts['relays']; sessions: SessionFacts }> {
  const scrape = () => agent.scrape(METRICS);
  const before = await settled(scrape, 0);
  const relays = await relayAll(tried, plan);
  const sum = (list: LabFacts['relays']) => list.reduce((total, { sent }) => total + sent, 0);
  const messages = sum(relays);
  const sessions: SessionFacts = {
    sessions: relays.length,
    messages,
    channelMessages: sum(relays.filter(({ way }) => way === 'channel')),
    bytesPerMessage: MESSAGE_BYTES,
    before,
    after: await settled(scrape, messages),
  };
  return { relays, sessions };
}

/**
 * Scrapes until the metrics count at least `messages` messages and no open allocations, for up to 15 s: turnserver adds a session's
 * traffic only when the session has ended. Returns an empty text if the server has no metrics: relaying works without them.
 */
export async function settled(scrape: () => Promise<string>, messages: number): Promise<string> {
  const end = Date.now() + SETTLE_MS;
  for (;;) {
    const text = await scrape().catch(() => '');
    const sent = Number(/^turn_total_traffic_peer_sentp (\S+)$/m.exec(text)?.[1] ?? 0);
    const open = [...text.matchAll(/^turn_total_allocations(?:\{.*\})? (\S+)$/gm)];
    const ended = sent >= messages && open.every(([, count]) => Number(count) === 0);
    // Without metrics there is nothing to wait for.
    if (text === '' || ended || Date.now() > end) return text;
    await pause(250);
  }
}
