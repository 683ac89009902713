import type { CloudState } from '../cloud/state.ts';
import { MACHINE } from './addresses.ts';
import type { MachineSettings } from './facts.ts';

/** The secret from which clients derive credentials. It is the laboratory's own, and no machine outside ever has it. */
export const SECRET = 'the-secret-of-the-laboratory-4f1c9a';
export const REALM = 'turn.example.org';
/** A small relay range, because newer versions take long to prepare a large one under emulation. */
export const RELAY_PORTS = { first: 20_000, last: 20_999 };

const DAY_MS = 86_400_000;

/** What the simulated cloud knows about the machine. */
export function cloudOf({ cloud, arch }: Pick<MachineSettings, 'cloud' | 'arch'>): CloudState {
  const settings = JSON.stringify({
    realm: REALM,
    authSecret: { value: SECRET },
    relayPorts: `${RELAY_PORTS.first}-${RELAY_PORTS.last}`,
  });
  const now = Date.now();
  if (cloud === 'aws')
    return {
      cloud,
      machine: {
        instanceId: 'i-0123456789abcdef0',
        instanceType: arch === 'arm64' ? 't4g.small' : 't3.small',
        imageId: 'ami-0123456789abcdef0',
        architecture: arch,
        accountId: '123456789012',
        region: 'eu-west-1',
        availabilityZone: 'eu-west-1a',
        mac: MACHINE.mac,
        privateIpv4: MACHINE.private4,
        localHostname: 'ip-172-31-16-10.eu-west-1.compute.internal',
        publicIpv4: MACHINE.public4,
        publicHostname: 'ec2-20-0-9-10.eu-west-1.compute.amazonaws.com',
        ipv6: [MACHINE.ipv6],
        subnetBlock: '172.31.16.0/20',
        vpcBlock: '172.31.0.0/16',
        publicKeys: [],
        userData: settings,
        launched: now,
        tokenKey: 'laboratory',
      },
      secrets: { parameters: [], secrets: [], refusals: {} },
      faults: [],
    };
  return {
    cloud,
    machine: {
      projectId: 'example-project',
      projectNumber: '123456789012',
      instanceId: '1234567890123456789',
      name: 'turn-1',
      hostname: 'turn-1.europe-west1-b.c.example-project.internal',
      zone: 'europe-west1-b',
      machineType: arch === 'arm64' ? 't2a-standard-1' : 'e2-small',
      mac: MACHINE.mac,
      mtu: 1460,
      network: 'default',
      privateIpv4: MACHINE.private4,
      subnetMask: '255.255.240.0',
      gateway: MACHINE.router4,
      publicIpv4: MACHINE.public4,
      ipv6: [MACHINE.ipv6],
      attributes: { 'turn-settings': settings },
      projectAttributes: {},
      serviceAccount: {
        email: 'turn@example-project.iam.gserviceaccount.com',
        scopes: ['https://www.googleapis.com/auth/cloud-platform'],
        token: 'a-token-of-the-laboratory',
        expires: now + DAY_MS,
      },
      tags: [],
      maintenanceEvent: 'NONE',
      preempted: false,
    },
    secrets: { secrets: [], refusals: {} },
    faults: [],
  };
}
