import { settled } from '../../scenarios/counted-relay.ts';
import { MESSAGE_BYTES } from '../../scenarios/relay.ts';
import { MACHINE } from '../addresses.ts';
import type { MachineMetricsFacts } from '../facts.ts';
import { SECRETS } from '../identity.ts';
import { type Laboratory, relay } from '../laboratory.ts';

const PORT = 9641;

/** Scrapes from the one client that may, before and after a session, and tries another host. */
export async function scrapeMachine({ client, peer }: Laboratory): Promise<MachineMetricsFacts> {
  const scrape = () => client.scrape(`http://${MACHINE.public4}:${PORT}/metrics`);
  const before = await settled(scrape, 0);
  const way = { transport: 'udp', server: MACHINE.public4 } as const;
  const { sent } = await relay(client, way, SECRETS.first);
  const sentBefore = Number(/^turn_total_traffic_peer_sentp (\S+)$/m.exec(before)?.[1] ?? 0);
  return {
    sessions: {
      sessions: 1,
      messages: sent,
      channelMessages: sent,
      bytesPerMessage: MESSAGE_BYTES,
      before,
      after: await settled(scrape, sentBefore + sent),
    },
    stranger: await peer.accepts(MACHINE.public4, PORT),
  };
}
