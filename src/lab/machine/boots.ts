import { MACHINE } from './addresses.ts';
import type { Boot } from './boot.ts';
import type { MachineRelay } from './facts.ts';
import { limitedSettings, ownSettings, SECRETS, withSettings } from './identity.ts';
import { type Laboratory, relay, setPublic, type Way } from './laboratory.ts';
import { moveTo } from './trials/address.ts';
import { drainAt } from './trials/drain.ts';
import { sendBurst, tryQuota } from './trials/limits.ts';
import { scrapeMachine } from './trials/metrics.ts';
import { tryPorts } from './trials/openings.ts';
import { tryPeers, tryWithoutRules } from './trials/peers.ts';
import { rotateSecrets, storedLines } from './trials/rotation.ts';
import { tryLogins } from './trials/ssh.ts';
import { relayAt443, tryUnasked } from './trials/tls443.ts';
import { bootUnready, readOwnSecret, silenceMetadata } from './trials/unready.ts';

/** Milliseconds in which a machine must switch itself off after a session. */
const DRAINED_MS = 90_000;

const ways = (server: string, ...transports: MachineRelay['transport'][]): Way[] =>
  transports.map((transport) => ({ transport, server }));

/**
 * The first boot: secrets and certificate are in a store. What needs the first secret is tried before the rotation, which turn-agent
 * notices within a minute.
 * @param meanwhile is called when the machine has booted: from then on it mostly waits
 */
export const firstBoot = (lab: Laboratory, meanwhile: () => void) => async (boot: Boot) => {
  const { client } = lab;
  const { machine } = boot;
  await boot.answered(client, MACHINE.public4);
  meanwhile();
  // On a busy machine, the address may come so late that turnserver restarts for it.
  await boot.answered(client, MACHINE.ipv6);
  const all = [
    ...ways(MACHINE.public4, 'udp', 'tcp', 'tls', 'dtls'),
    ...ways(MACHINE.ipv6, 'udp', 'tcp', 'tls', 'dtls'),
  ];
  await boot.relays(client, all, SECRETS.first);
  await boot.trial('tls443', () => relayAt443(lab, SECRETS.first));
  await boot.inspect(storedLines());
  await boot.trial('burst', () => sendBurst(lab, SECRETS.first));
  await boot.trial('metrics', () => scrapeMachine(lab));
  await boot.trial('forbidden', () => tryPeers(lab, SECRETS.first));
  await boot.trial('moved', () => moveTo(lab, MACHINE.other4, SECRETS.first));
  const rotated = await rotateSecrets(lab, MACHINE.other4);
  // Neither of these trials needs a secret. A rotation that began after them might have to wait for turn-agent for another minute.
  await boot.trial('openings', () => tryPorts(lab, machine, MACHINE.other4));
  if (lab.settings.ssh) await boot.trial('ssh', () => tryLogins(lab, MACHINE.other4));
  await boot.trial('rotation', rotated);
};

/** Prepares the second boot, while the machine is off. */
export function prepareSecondBoot(lab: Laboratory): void {
  setPublic(lab.cloud, undefined);
  lab.cloud.change((state) => withSettings(state, ownSettings()));
  silenceMetadata(lab);
}

/** The second boot of the same volume: the metadata service misbehaves, and the machine has no public address at first. */
export const secondBoot = (lab: Laboratory) => async (boot: Boot) => {
  const { client, neighbour, settings } = lab;
  const { machine, facts } = boot;
  await boot.trial('unready', () => bootUnready(lab, machine, settings.bootSeconds * 1000));
  await boot.answered(neighbour, MACHINE.private4);
  const secret = await readOwnSecret(machine);
  const [inside] = ways(MACHINE.private4, 'udp');
  if (facts.trials.unready !== undefined && inside !== undefined)
    facts.trials.unready.relay = await relay(neighbour, inside, secret);
  await boot.trial('attached', () => moveTo(lab, MACHINE.public4, secret));
  await boot.relays(client, ways(MACHINE.public4, 'udp', 'tcp'), secret);
  await boot.inspect([secret, ...storedLines()]);
  await boot.trial('unguarded', () => tryWithoutRules(lab, machine, { public4: MACHINE.public4, secret }));
};

/** Prepares the boot of another volume, whose machine makes its own secret as well. Its settings have limits and let sessions end. */
export function prepareOtherBoot({ cloud }: Laboratory): void {
  cloud.change((state) => withSettings(state, limitedSettings()));
}

/** The first boot of another volume: what it generates must differ from what the first machine has. Its power button is pressed during a session. */
export const otherBoot = (lab: Laboratory) => async (boot: Boot) => {
  const { machine, facts } = boot;
  await boot.answered(lab.client, MACHINE.public4);
  const secret = await readOwnSecret(machine);
  await boot.relays(lab.client, ways(MACHINE.public4, 'udp', 'tcp'), secret);
  await boot.trial('burst', () => sendBurst(lab, secret));
  await boot.trial('unasked', () => tryUnasked(lab));
  await boot.trial('quota', () => tryQuota(lab, secret));
  // Meanwhile, the allocations are released, which count for the quota.
  await boot.inspect([secret]);
  const begin = machine.seconds();
  await boot.trial('drained', async () => {
    const trial = { server: MACHINE.public4, secret, limitMs: DRAINED_MS };
    const { facts: drained, off } = await drainAt(lab, machine, trial);
    facts.off = off;
    facts.offSeconds = Math.round((machine.seconds() - begin) * 10) / 10;
    return drained;
  });
};
