// @ts-check
// Boots both images in turns, inside a container: the router, the simulated cloud and the clients are those of src/lab. Prints a line of JSON
// for each boot. boots.js bundles it; with the argument `agent` it is a client.
import { execFileSync, spawn } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { runAgent } from '../../../src/lab/agent.ts';
import { createLiveCloud } from '../../../src/lab/cloud/live.ts';
import { createRequestLog } from '../../../src/lab/cloud/requests.ts';
import { cloudListener, serve } from '../../../src/lab/cloud/serve.ts';
import { MACHINE, METADATA4 } from '../../../src/lab/machine/addresses.ts';
import { cloudOf, REALM, RELAY_PORTS, SECRETS, withSettings } from '../../../src/lab/machine/identity.ts';
import { relay } from '../../../src/lab/machine/laboratory.ts';
import { labCredentials } from '../../../src/lab/machine/probe.ts';
import { dnsmasqArgs, natRules, tapCommands } from '../../../src/lab/machine/router.ts';
import { hand, MACHINE_FOLDER, switchOn } from '../../../src/lab/machine/vm.ts';
import { ADDRESSES, createNetwork } from '../../../src/lab/network.ts';
import { startAgent } from '../../../src/lab/remote.ts';
import { ECHO_PORT } from '../../../src/lab/scenarios/session.ts';

const DISK = `${MACHINE_FOLDER}/disk.raw`;
const VOLUME = '3G';
/** Seconds until a machine must answer. */
const PATIENCE = 200;
const ATTEMPT_MS = 100;
const LAST_LINES = 40;

/** User data of both: the same realm, secret and ports. turn-agent and cloud-init read the public address from the metadata service. */
const USER_DATA = {
  ours: JSON.stringify({
    realm: REALM,
    authSecret: { value: SECRETS.first },
    relayPorts: `${RELAY_PORTS.first}-${RELAY_PORTS.last}`,
  }),
  plain: `## template: jinja
#cloud-config
write_files:
  - path: /etc/turnserver.conf
    content: |
      realm=${REALM}
      use-auth-secret
      static-auth-secret=${SECRETS.first}
      external-ip={{ ds.meta_data.public_ipv4 }}/{{ ds.meta_data.local_ipv4 }}
      min-port=${RELAY_PORTS.first}
      max-port=${RELAY_PORTS.last}
      fingerprint
      no-cli
`,
};
const SIDES = /** @type {const} */ (['ours', 'plain']);

const run = (/** @type {string} */ file, /** @type {string[]} */ ...args) =>
  execFileSync(file, args, { stdio: ['ignore', 'ignore', 'inherit'] });

/** cloud-init recognises EC2, and its version of the metadata service, by this UUID. Our image gets it as well. @param {string} arch */
function addIdentity(arch) {
  const program = `qemu-system-${arch === 'arm64' ? 'aarch64' : arch}`;
  const uuid = 'ec2e1916-9099-4caf-8d21-012345abcdef';
  const identity = `-smbios 'type=1,manufacturer=Amazon EC2,uuid=${uuid},serial=${uuid}'`;
  writeFileSync(`/usr/local/bin/${program}`, `#!/bin/sh\nexec /usr/bin/${program} "$@" ${identity}\n`, {
    mode: 0o755,
  });
}

/** A first boot each time. @param {string} side */
function writeVolume(side) {
  run('zstd', '-q', '-d', '--sparse', '--force', `/inputs/${side}.raw.zst`, '-o', DISK);
  run('truncate', `--size=${VOLUME}`, DISK);
  hand(DISK);
}

/**
 * @param {{ side: string, arch: 'arm64' | 'x86_64', client: import('../../../src/lab/remote.ts').RemoteAgent }} given
 * @returns {Promise<number>} seconds until the first answer
 */
async function boot({ side, arch, client }) {
  const machine = await switchOn({
    arch,
    disk: { path: DISK, controller: 'nvme' },
    memoryMiB: 1024,
    processors: 2,
    kvm: false,
    credentials: labCredentials(''),
  });
  try {
    while (!(await client.binds('udp', MACHINE.public4, 3478))) {
      if (machine.seconds() > PATIENCE) throw new Error(`no answer in ${PATIENCE} s`);
      await pause(ATTEMPT_MS);
    }
    const seconds = machine.seconds();
    const way = /** @type {const} */ ({ transport: 'udp', server: MACHINE.public4 });
    const { sent, received, relayed, error } = await relay(client, way, SECRETS.first);
    if (sent === 0 || received !== sent || relayed !== MACHINE.public4)
      throw new Error(`${received} of ${sent} messages came back through ${relayed}: ${error}`);
    return seconds;
  } catch (error) {
    const last = machine.console().split('\n').slice(-LAST_LINES).join('\n');
    const units = await machine.probe
      .run('systemctl list-jobs --no-legend; systemctl --failed --no-legend; journalctl -b -n 60 --no-pager')
      .catch(() => '');
    throw new Error(`${units}\n${last}\n${side}: ${error}`);
  } finally {
    await machine.kill();
  }
}

async function main() {
  const { arch, rounds } = JSON.parse(readFileSync('/inputs/bench.json', 'utf8'));
  // Agents run this file as the user nobody.
  chmodSync(process.argv[1] ?? '', 0o755);
  // So does the emulator.
  chmodSync('/dev/net/tun', 0o666);
  addIdentity(arch);
  const namespaces = await createNetwork(undefined, ['client', 'peer']);
  mkdirSync(MACHINE_FOLDER, { recursive: true });
  for (const [file = '', ...args] of tapCommands()) run(file, ...args);
  execFileSync('nft', ['-f', '-'], { input: natRules(MACHINE.public4) });
  spawn('dnsmasq', dnsmasqArgs([]), { stdio: ['ignore', 'ignore', 'inherit'] });
  const cloud = createLiveCloud(cloudOf({ cloud: 'aws', arch }));
  await serve(cloudListener(cloud, 'metadata', createRequestLog()), { address: METADATA4, port: 80 });
  await startAgent(namespaces.peer).echo(ADDRESSES.peer.ipv4, ECHO_PORT);
  const client = startAgent(namespaces.client);
  for (let round = 1; round <= rounds; round++)
    for (const side of SIDES) {
      cloud.change((state) => withSettings(state, USER_DATA[side]));
      writeVolume(side);
      console.log(JSON.stringify({ side, seconds: await boot({ side, arch, client }) }));
    }
  process.exit(0);
}

if (process.argv[2] === 'agent') runAgent();
else await main();
