import { MACHINE } from '../addresses.ts';
import type { MachineRelay, UnaskedFacts } from '../facts.ts';
import { type Laboratory, outside, relay } from '../laboratory.ts';

/** Relays over TLS at port 443, which the settings ask for. */
export function relayAt443({ client }: Laboratory, secret: string): Promise<MachineRelay[]> {
  return Promise.all(
    Object.values(outside()).map((server) => relay(client, { transport: 'tls', server, port: 443 }, secret)),
  );
}

/** Ports for TLS, and the one of STUN and TURN, which proves that the others could be reached. */
const TRIED = [443, 3478, 5349];

/** Tries the ports for TLS of a machine whose settings have neither a certificate nor port 443. */
export async function tryUnasked({ peer }: Laboratory): Promise<UnaskedFacts> {
  const families = ['ipv4', 'ipv6'] as const;
  const addresses = { ipv4: MACHINE.public4, ipv6: MACHINE.ipv6 };
  const reached = await Promise.all(
    families.map(async (family) => ({
      family,
      ports: await peer.reachable('tcp', addresses[family], TRIED),
    })),
  );
  return { tried: TRIED, reached };
}
