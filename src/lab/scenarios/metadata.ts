import { execFile } from 'node:child_process';
import { setTimeout as pause } from 'node:timers/promises';
import { promisify } from 'node:util';
import { attribute } from '../../turn/attributes.ts';
import { METHOD } from '../../turn/message.ts';
import type { ServiceFacts } from '../facts.ts';
import { enter } from '../network.ts';
import type { Family } from '../reach.ts';
import { watchLeaving } from '../tcpdump.ts';
import { ACCOUNT, allocate, hangUp, silence, type Tried, wordOf } from './session.ts';

type Reached = ServiceFacts['reached'][number];

/** Metadata addresses, which only the unit blocks once the configuration denies nothing; and controls, which nothing blocks. */
const METADATA = ['169.254.169.254', 'fd00:ec2::254', 'fd20:ce::254'];
const CONTROLS = ['169.254.169.253', 'fd00:ec2::253'];
/** Destination port for each way of sending. */
const PORTS: Record<Reached['by'], number> = { relay: 4444, process: 4445 };
const DATAGRAMS = 3;
const SETTLE_MS = 500;

/**
 * Sends to the metadata addresses and to control addresses, and captures what leaves the server's machine. A client sends through the
 * relay, which newer versions refuse themselves. A process of the unit also sends directly, which tests the unit's rules independently of
 * turnserver.
 * @param namespace of the server
 * @param group folder of the running unit's control group
 */
export async function reachMetadata(tried: Tried, namespace: number, group: string): Promise<Reached[]> {
  const ports = Object.values(PORTS).map((port) => `dst port ${port}`);
  const packets = await watchLeaving(namespace, `udp and (${ports.join(' or ')})`);
  const reached: Reached[] = [];
  for (const family of ['ipv4', 'ipv6'] as const) reached.push(...(await sendThroughRelay(tried, family)));
  reached.push(...(await sendFromUnit(namespace, group)));
  await pause(SETTLE_MS);
  await packets.stop();
  const lines = packets.lines();
  return reached.map((each) => ({
    ...each,
    packets: lines.filter((line) => line.includes(`> ${each.peer}.${PORTS[each.by]}:`)).length,
  }));
}

function peers(): Pick<Reached, 'kind' | 'peer'>[] {
  return [
    ...METADATA.map((peer) => ({ kind: 'metadata' as const, peer })),
    ...CONTROLS.map((peer) => ({ kind: 'control' as const, peer })),
  ];
}

/**
 * Uses one client per peer: in old versions, a relay socket sends nothing more after the unit has blocked one of its datagrams. The controls
 * come last and show that only that socket is affected.
 */
async function sendThroughRelay({ clients, server }: Tried, family: Family): Promise<Reached[]> {
  const attempts: Reached[] = [];
  for (const each of peers().filter(({ peer }) => peer.includes(':') === (family === 'ipv6'))) {
    const address = { address: each.peer, port: PORTS.relay };
    const client = await clients.connect(server, 'udp', family, ACCOUNT);
    await allocate(client, family);
    const permission = await client
      .ask(METHOD.createPermission, [attribute.xorPeerAddress(address)])
      .then(wordOf, silence);
    for (let i = 0; i < DATAGRAMS; i++) client.send(address, Buffer.from('for the metadata service'));
    await pause(SETTLE_MS);
    await hangUp(client);
    attempts.push({ ...each, by: 'relay', permission, packets: 0 });
  }
  return attempts;
}

/** IPAddressDeny= applies to sockets opened in the unit's control group, so bash joins that group first. */
async function sendFromUnit(namespace: number, group: string): Promise<Reached[]> {
  const attempts: Reached[] = [];
  for (const each of peers()) {
    const send = `for i in $(seq ${DATAGRAMS}); do echo datagram >/dev/udp/${each.peer}/${PORTS.process}; done`;
    // If the unit blocks the datagram, bash reports an error, which is expected.
    const script = `echo $$ >${group}/cgroup.procs || exit 9; ${send}; exit 0`;
    const [file = '', ...args] = [...enter(namespace), 'bash', '-c', script];
    await promisify(execFile)(file, args).catch((error: unknown) => {
      const { stderr } = error as { stderr?: string };
      throw new Error(`cannot move a process into ${group}: ${(stderr ?? String(error)).trim()}`);
    });
    attempts.push({ ...each, by: 'process', packets: 0 });
  }
  return attempts;
}
