import { execFileSync, spawn } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { runAgent } from '../agent.ts';
import { createLiveCloud } from '../cloud/live.ts';
import { createRequestLog } from '../cloud/requests.ts';
import { cloudListener, serve } from '../cloud/serve.ts';
import { ADDRESSES, createNetwork } from '../network.ts';
import { NoNamespaces } from '../no-namespaces.ts';
import { type RemoteAgent, startAgent } from '../remote.ts';
import { restCredentials } from '../scenarios/rest-secret.ts';
import { ECHO_PORT } from '../scenarios/session.ts';
import { MACHINE, METADATA4 } from './addresses.ts';
import { consoleProblems } from './console.ts';
import type { BootFacts, MachineFacts, MachineSettings } from './facts.ts';
import { cloudOf, RELAY_PORTS, SECRET } from './identity.ts';
import { lookInside } from './inside.ts';
import { dnsmasqArgs, natRules, tapCommands } from './router.ts';
import { type Machine, switchOn } from './vm.ts';

// Main program of the container in which images are booted. It is the router and the cloud; with the role `agent`, it is a client or a peer.

const OUT = '/out';
const DISK = '/tmp/disk.raw';
/** Seconds in which a machine must switch itself off. turnserver drains for at most 60 s if it has sessions. */
const OFF_SECONDS = 90;
const HOUR_MS = 3_600_000;
/** Messages of each session through the machine. */
const RELAY = { address: MACHINE.public4, port: 3478, messages: 100 };
/** Milliseconds between two attempts of a client to reach the machine. */
const ATTEMPT_MS = 100;

function run(file: string, ...args: string[]): void {
  execFileSync(file, args, { stdio: ['ignore', 'ignore', 'inherit'] });
}

/** Unpacks the image to a volume. @param settings whose image is either zstd of a disk, or a tar.gz with disk.raw */
function writeVolume({ image, volumeGiB }: MachineSettings): void {
  if (image.endsWith('.tar.gz'))
    run('tar', '-xzSf', image, '--directory=/tmp', '--no-same-owner', 'disk.raw');
  else run('zstd', '-q', '-d', '--sparse', '--force', image, '-o', DISK);
  run('truncate', `--size=${volumeGiB}G`, DISK);
}

async function boot(settings: MachineSettings, client: RemoteAgent, number: number): Promise<BootFacts> {
  const { arch, bootSeconds, cloud } = settings;
  const machine = await switchOn({
    arch,
    disk: DISK,
    controller: cloud === 'aws' ? 'nvme' : 'virtio-scsi',
    memoryMiB: 1024,
    processors: 2,
    kvm: false,
  });
  const facts: BootFacts = { off: false, offSeconds: 0, console: [], kernel: false, relays: [] };
  try {
    const answered = await firstAnswer(machine, client, bootSeconds);
    if (answered !== undefined) {
      facts.answered = answered;
      const relay = async (transport: 'udp' | 'tcp', secret: string) => {
        const credentials = restCredentials(Date.now() + HOUR_MS, secret);
        return { transport, ...(await client.relay({ transport, ...RELAY, credentials })) };
      };
      for (const transport of ['udp', 'tcp'] as const) facts.relays.push(await relay(transport, SECRET));
      facts.stranger = await relay('udp', 'another secret');
      facts.inside = await lookInside(machine.probe);
    } else facts.problem = await whyNot(machine);
  } catch (error) {
    facts.problem = String(error);
  } finally {
    const begin = machine.seconds();
    facts.off = await machine.powerOff(OFF_SECONDS * 1000);
    facts.offSeconds = Math.round((machine.seconds() - begin) * 10) / 10;
    await machine.kill();
    facts.console = consoleProblems(machine.console());
    facts.kernel = machine.console().includes('Linux version ');
    writeFileSync(`${OUT}/console-${number}.log`, machine.console());
  }
  return facts;
}

/** Seconds until a client outside got an answer; undefined if it got none in time, or the machine is off. */
async function firstAnswer(machine: Machine, client: RemoteAgent, most: number): Promise<number | undefined> {
  let isOff = false;
  void machine.off.then(() => {
    isOff = true;
  });
  while (machine.seconds() < most && !isOff) {
    if (await client.binds('udp', MACHINE.public4, 3478)) return Math.round(machine.seconds() * 10) / 10;
    await pause(ATTEMPT_MS);
  }
  return undefined;
}

/** The state of the units of a machine that serves nobody, or the end of its console. */
async function whyNot(machine: Machine): Promise<string> {
  const units = await machine.probe
    .run(
      'systemctl list-jobs --no-legend; systemctl --failed --no-legend; journalctl -b -n 20 --no-pager',
      10_000,
    )
    .catch(() => '');
  return units === '' ? machine.console().split('\n').slice(-20).join('\n') : units;
}

async function main(): Promise<void> {
  const settings = JSON.parse(readFileSync('/inputs/machine.json', 'utf8')) as MachineSettings;
  // Agents run this file as the user nobody.
  chmodSync(process.argv[1] ?? '', 0o755);
  const namespaces = await createNetwork(undefined, ['client', 'peer']);
  for (const [file = '', ...args] of tapCommands()) run(file, ...args);
  execFileSync('nft', ['-f', '-'], { input: natRules(MACHINE.public4) });
  const dhcp = spawn('dnsmasq', dnsmasqArgs(), { stdio: ['ignore', 'ignore', 'inherit'] });
  const cloud = createLiveCloud(cloudOf(settings));
  const log = createRequestLog();
  await serve(cloudListener(cloud, 'metadata', log), { address: METADATA4, port: 80 });
  const peer = startAgent(namespaces.peer);
  await peer.echo(ADDRESSES.peer.ipv4, ECHO_PORT);
  const client = startAgent(namespaces.client);
  writeVolume(settings);
  const facts: MachineFacts = {
    volumeBytes: settings.volumeGiB * 1024 ** 3,
    public4: MACHINE.public4,
    relayPorts: RELAY_PORTS,
    boots: [],
  };
  mkdirSync(OUT, { recursive: true });
  for (const number of [1, 2]) {
    facts.boots.push(await boot(settings, client, number));
    if (facts.boots.at(-1)?.answered === undefined) break;
  }
  writeFileSync(`${OUT}/machine.json`, JSON.stringify(facts, null, 1));
  writeFileSync(`${OUT}/requests.json`, JSON.stringify(log.all(), null, 1));
  dhcp.kill();
  process.exit(0);
}

const [, , role] = process.argv;
try {
  if (role === 'agent') runAgent();
  else await main();
} catch (error) {
  if (!(error instanceof NoNamespaces)) throw error;
  process.stderr.write(`turnbuild-error: ${error.code}: ${error.message.replaceAll('\n', ' | ')}\n`);
  process.exit(1);
}
