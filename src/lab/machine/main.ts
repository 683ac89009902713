import { execFileSync, spawn } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { runAgent } from '../agent.ts';
import { makeCertificate } from '../certificate.ts';
import { createLiveCloud } from '../cloud/live.ts';
import { createRequestLog } from '../cloud/requests.ts';
import { cloudListener, serve } from '../cloud/serve.ts';
import { serviceHosts } from '../cloud/services.ts';
import { ADDRESSES, createNetwork } from '../network.ts';
import { NoNamespaces } from '../no-namespaces.ts';
import { startAgent } from '../remote.ts';
import { ECHO_PORT } from '../scenarios/session.ts';
import { MACHINE, METADATA4, METADATA6, SERVICES4, SERVICES6 } from './addresses.ts';
import { APART_FACTS, bootApart } from './apart.ts';
import { boot } from './boot.ts';
import { firstBoot, otherBoot, prepareOtherBoot, prepareSecondBoot, secondBoot } from './boots.ts';
import type { BootFacts, MachineFacts, MachineSettings } from './facts.ts';
import { cloudOf, LIMITS, RELAY_PORTS, SECRETS } from './identity.ts';
import { ipv6Boot, removeIpv4 } from './ipv6.ts';
import { kvmWorks } from './kvm.ts';
import { type Laboratory, setPublic } from './laboratory.ts';
import { dnsmasqArgs, tapCommands } from './router.ts';
import { storeSecrets } from './trials/rotation.ts';
import { makeSshKeys, offerSshKey } from './trials/ssh.ts';
import { hand, MACHINE_FOLDER } from './vm.ts';

// Main program of the container in which images are booted. It is the router and the cloud; with the role `apart`, those of another machine;
// with the role `agent`, it is a client or a peer.

const PATHS = { disk: `${MACHINE_FOLDER}/disk.raw`, out: '/out' };
// Clouds have machines with one processor, and with several.
const FIRST = { ...PATHS, processors: 2 };
const OTHER = { ...PATHS, processors: 1 };
const SERVICE_FILES = { certificate: '/tmp/services.pem', key: '/tmp/services-key.pem' };

function run(file: string, ...args: string[]): void {
  execFileSync(file, args, { stdio: ['ignore', 'ignore', 'inherit'] });
}

/** Unpacks the image to a volume. @param settings whose image is either zstd of a disk, or a tar.gz with disk.raw */
function writeVolume({ image, volumeGiB }: MachineSettings): void {
  mkdirSync(MACHINE_FOLDER, { recursive: true });
  rmSync(PATHS.disk, { force: true });
  if (image.endsWith('.tar.gz'))
    run('tar', '-xzSf', image, `--directory=${MACHINE_FOLDER}`, '--no-same-owner', 'disk.raw');
  else run('zstd', '-q', '-d', '--sparse', '--force', image, '-o', PATHS.disk);
  run('truncate', `--size=${volumeGiB}G`, PATHS.disk);
  hand(PATHS.disk);
}

/** Creates the network, the cloud and the hosts around the machine. @param kvm whether the processor's virtualisation works, if that is known */
async function surround(settings: MachineSettings, kvm?: boolean): Promise<Laboratory & { end(): void }> {
  const { ipv6Only } = settings;
  const namespaces = await createNetwork(undefined, ['client', 'peer']);
  for (const [file = '', ...args] of tapCommands(ipv6Only)) run(file, ...args);
  // The emulator is not root, and opens no other link than its own.
  chmodSync('/dev/net/tun', 0o666);
  const cloud = createLiveCloud(cloudOf(settings));
  const hosts = serviceHosts(cloud.state());
  const dhcp = spawn('dnsmasq', dnsmasqArgs(hosts, ipv6Only), { stdio: ['ignore', 'ignore', 'inherit'] });
  makeCertificate(SERVICE_FILES, hosts);
  const read = (path: string) => readFileSync(path, 'utf8');
  const tls = { cert: read(SERVICE_FILES.certificate), key: read(SERVICE_FILES.key) };
  const requests = createRequestLog();
  const addresses = ipv6Only
    ? { metadata: METADATA6, secrets: SERVICES6 }
    : { metadata: METADATA4, secrets: SERVICES4 };
  await serve(cloudListener(cloud, 'metadata', requests), { address: addresses.metadata, port: 80 });
  await serve(cloudListener(cloud, 'secrets', requests), { address: addresses.secrets, port: 443, tls });
  storeSecrets({ cloud }, SECRETS.first);
  const sshKeys = makeSshKeys();
  offerSshKey({ cloud, sshKeys });
  if (ipv6Only) removeIpv4({ cloud });
  else setPublic(cloud, MACHINE.public4);
  const peer = startAgent(namespaces.peer);
  for (const family of ['ipv4', 'ipv6'] as const) await peer.echo(ADDRESSES.peer[family], ECHO_PORT);
  return {
    ...{ settings, cloud, requests, peer, certificate: tls.cert, sshKeys },
    kvm: kvm ?? (await kvmWorks(settings)),
    client: startAgent(namespaces.client),
    neighbour: startAgent(process.pid),
    end: () => dhcp.kill(),
  };
}

function readSettings(): MachineSettings {
  // Agents run this file as the user nobody.
  chmodSync(process.argv[1] ?? '', 0o755);
  return JSON.parse(readFileSync('/inputs/machine.json', 'utf8')) as MachineSettings;
}

const write = (path: string, facts: unknown) => writeFileSync(path, JSON.stringify(facts, null, 1));

/** Boots a volume twice, and meanwhile another volume once. */
async function main(): Promise<void> {
  const settings = readSettings();
  const lab = await surround(settings);
  mkdirSync(PATHS.out, { recursive: true });
  writeVolume(settings);
  let other: Promise<BootFacts> | undefined;
  const meanwhile = () => {
    other ??= bootApart(lab.kvm);
    // It is awaited later, and must not end this program before.
    other.catch(() => {});
  };
  const script = settings.ipv6Only ? ipv6Boot(lab) : firstBoot(lab, meanwhile);
  const boots = [await boot(lab, { ...FIRST, name: 'first' }, script)];
  // Without an answer, further boots would only take long to show the same.
  if (boots[0]?.answered !== undefined && !settings.ipv6Only) {
    meanwhile();
    prepareSecondBoot(lab);
    boots.push(await boot(lab, { ...FIRST, name: 'second' }, secondBoot(lab)));
  }
  if (other !== undefined) boots.push(await other);
  const volumeBytes = settings.volumeGiB * 1024 ** 3;
  const facts: MachineFacts = { kvm: lab.kvm, volumeBytes, relayPorts: RELAY_PORTS, limits: LIMITS, boots };
  write(`${PATHS.out}/machine.json`, facts);
  write(`${PATHS.out}/requests.json`, lab.requests.all());
  lab.end();
  process.exit(0);
}

/** Boots another volume, in a network of its own. */
async function apart(kvm: boolean): Promise<void> {
  const settings = readSettings();
  const lab = await surround(settings, kvm);
  prepareOtherBoot(lab);
  writeVolume(settings);
  write(APART_FACTS, await boot(lab, { ...OTHER, name: 'other' }, otherBoot(lab)));
  write(`${PATHS.out}/requests-other.json`, lab.requests.all());
  lab.end();
  process.exit(0);
}

const [, , role, kvm] = process.argv;
try {
  if (role === 'agent') runAgent();
  else if (role === 'apart') await apart(kvm === 'true');
  else await main();
} catch (error) {
  if (!(error instanceof NoNamespaces)) throw error;
  process.stderr.write(`turnbuild-error: ${error.code}: ${error.message.replaceAll('\n', ' | ')}\n`);
  process.exit(1);
}
