import { setTimeout as pause } from 'node:timers/promises';
import { forbiddenPeers } from '../../../turn/forbidden-peers.ts';
import type { Address } from '../../../turn/values.ts';
import type { ForbiddenFacts } from '../../facts.ts';
import { captureForbidden } from '../../scenarios/forbidden.ts';
import { watchArriving } from '../../tcpdump.ts';
import { MACHINE, TAP } from '../addresses.ts';
import type { UnguardedFacts } from '../facts.ts';
import { credentialsFor, type Laboratory, outside } from '../laboratory.ts';
import type { Machine } from '../vm.ts';

const watch = (filter: string) => watchArriving(TAP, filter);

/**
 * Tries to reach peers that no relay may reach, and captures what the machine sends. The machine's private address is not among them:
 * turnserver allows the private end of external-ip, whatever its rules say. `tryWithoutRules` tries what listens there.
 */
export function tryPeers({ client }: Laboratory, secret: string): Promise<ForbiddenFacts> {
  const peers = forbiddenPeers([MACHINE.ipv6]);
  return captureForbidden(watch, () =>
    client.forbidden({ ...outside(), peers, credentials: credentialsFor(secret), connects: true }),
  );
}

/** Ports of services that only the machine itself may use: coturn's metrics, turn-agent's, and SSH. */
const OWN_PORTS = [9641, 9642, 22];
const OWN_ADDRESSES = ['127.0.0.1', MACHINE.private4, '::1', MACHINE.ipv6];

/** Takes the relay's own rules away and lets nothing put them back. */
const UNGUARD = [
  'kill -STOP $(systemctl show --property=MainPID --value turn-agent)',
  "sed -i -E '/^[[:blank:]]*(denied-peer-ip|no-multicast-peers|no-tcp-relay)/d' /etc/turnserver.conf",
  'echo allow-loopback-peers >>/etc/turnserver.conf',
  'systemctl restart coturn',
].join(' && ');
const REGUARD = 'kill -CONT $(systemctl show --property=MainPID --value turn-agent)';
/** Milliseconds until the restarted server must serve. */
const RESTART_MS = 120_000;

/** Tries peers after the relay's own rules have been removed, as a mistake in the settings or a bug of turnserver would. */
export async function tryWithoutRules(
  { client, settings }: Laboratory,
  machine: Machine,
  { public4, secret }: { public4: string; secret: string },
): Promise<UnguardedFacts> {
  const output = await machine.probe.run(UNGUARD, RESTART_MS);
  if (output.trim() !== '') throw new Error(`the rules could not be removed: ${output.trim()}`);
  try {
    for (const end = Date.now() + RESTART_MS; !(await client.binds('udp', public4, 3478)); )
      if (Date.now() > end) throw new Error('turnserver did not serve without its rules');
      else await pause(200);
    const credentials = credentialsFor(secret);
    const peers = forbiddenPeers([]).filter(({ kind }) => /^metadata service(?! \(Oracle)/.test(kind));
    const own = OWN_ADDRESSES.flatMap((address) => OWN_PORTS.map((port) => ({ address, port })));
    const connect = (peersOfTcp: readonly Address[]) =>
      client.connects({ relay: outside(public4), peers: peersOfTcp, credentials });
    // Connections that a firewall drops take long.
    const [{ leaked, control }, found] = await Promise.all([
      captureForbidden(watch, () =>
        client.forbidden({ ...outside(public4), peers, credentials, connects: false }),
      ),
      connect(own),
    ]);
    await machine.probe.run('nft flush ruleset');
    const [unprotected = 'not tried'] = await connect(own);
    return {
      leaked,
      control: Math.min(control.received, control.captured),
      own: own.map(({ address, port }, index) => ({
        peer: `${address} port ${port}`,
        found: found[index] ?? 'not tried',
      })),
      unprotected,
    };
  } finally {
    await machine.probe.run(REGUARD, settings.bootSeconds * 1000).catch(() => {});
  }
}
