import { ODD_RANGES } from '../../turn/forbidden-peers.ts';
import type { CloudState } from '../cloud/state.ts';
import { ADDRESSES } from '../network.ts';
import { MACHINE } from './addresses.ts';
import type { MachineSettings } from './facts.ts';

/** The secrets from which clients derive credentials, one after the other. They are the laboratory's own, and no machine outside has them. */
export const SECRETS = {
  first: 'the-secret-of-the-laboratory-4f1c9a',
  rotated: 'the-next-secret-of-the-laboratory-b27e06',
} as const;
export const REALM = 'turn.example.org';
/** A small relay range, because newer versions take long to prepare a large one under emulation. */
export const RELAY_PORTS = { first: 20_000, last: 20_999 };
/** Seconds that sessions have to end before the machine stops. */
export const DRAIN_SECONDS = 20;
/** Limits of the other machine's settings. A session of 100 messages stays below the bandwidth, which counts bytes per second. */
export const LIMITS = { userQuota: 2, totalQuota: 4, maxBps: 20_000 } as const;

/** What a store holds for the machine. Certificate and key are PEM. */
export interface StoredSecrets {
  secret: string;
  certificate: string;
  key: string;
}

const PROJECT = 'example-project';
/** Names of secrets in SSM, and in Secret Manager. */
const NAMES = { secret: 'turn-secret', certificate: 'turn-certificate', key: 'turn-key' } as const;
const nameIn = {
  aws: (name: string) => `/turn/${name}`,
  gce: (name: string) => `projects/${PROJECT}/secrets/${name}`,
};

/** The settings of the first boot: every secret is in a store. Only the client may read metrics and reach an SSH server. */
export function storedSettings(cloud: 'aws' | 'gce'): string {
  const from = (name: string) => ({ valueFrom: nameIn[cloud](name) });
  return JSON.stringify({
    realm: REALM,
    authSecret: from(NAMES.secret),
    certificate: from(NAMES.certificate),
    privateKey: from(NAMES.key),
    tls443: true,
    relayPorts: `${RELAY_PORTS.first}-${RELAY_PORTS.last}`,
    deniedPeers: ODD_RANGES.lines.map((line) => line.replace('denied-peer-ip=', '')),
    metrics: { from: [`${ADDRESSES.client.ipv4}/32`] },
    sshFrom: [`${ADDRESSES.client.ipv4}/32`, `${ADDRESSES.client.ipv6}/128`],
    drainSeconds: DRAIN_SECONDS,
  });
}

const OWN = { realm: REALM, relayPorts: `${RELAY_PORTS.first}-${RELAY_PORTS.last}` };

/** The settings of the second boot, in which the machine makes its own secret. */
export function ownSettings(): string {
  return JSON.stringify(OWN);
}

/** The settings of the other machine, which makes its own secret as well, has limits and lets sessions end. */
export function limitedSettings(): string {
  return JSON.stringify({ ...OWN, ...LIMITS, drainSeconds: DRAIN_SECONDS });
}

/** Puts secrets into the store, as a rotation does. */
export function withSecrets(state: CloudState, stored: StoredSecrets): CloudState {
  const keys = ['secret', 'certificate', 'key'] as const;
  if (state.cloud === 'aws') {
    const parameters = keys.map((key) => ({
      name: nameIn.aws(NAMES[key]),
      type: 'SecureString' as const,
      value: stored[key],
      version: 1,
    }));
    return { ...state, secrets: { ...state.secrets, parameters } };
  }
  const secrets = keys.map((key) => ({
    project: PROJECT,
    name: NAMES[key],
    versions: [{ value: stored[key] }],
  }));
  return { ...state, secrets: { ...state.secrets, secrets } };
}

/** Gives the machine another public address, or takes it away. */
export function withPublic(state: CloudState, public4: string | undefined): CloudState {
  const without = <T extends object, K extends keyof T>(from: T, ...names: K[]) =>
    Object.fromEntries(Object.entries(from).filter(([name]) => !names.includes(name as K))) as Omit<T, K>;
  const given = public4 === undefined ? {} : { publicIpv4: public4 };
  if (state.cloud === 'gce')
    return { ...state, machine: { ...without(state.machine, 'publicIpv4'), ...given } };
  const name =
    public4 === undefined
      ? {}
      : { publicHostname: `ec2-${public4.replaceAll('.', '-')}.eu-west-1.compute.amazonaws.com` };
  return {
    ...state,
    machine: { ...without(state.machine, 'publicIpv4', 'publicHostname'), ...given, ...name },
  };
}

/** Replaces the settings: the user data, or the attribute. */
export function withSettings(state: CloudState, settings: string): CloudState {
  if (state.cloud === 'aws') return { ...state, machine: { ...state.machine, userData: settings } };
  const attributes = { ...state.machine.attributes, 'turn-settings': settings };
  return { ...state, machine: { ...state.machine, attributes } };
}

/** Names of accounts whose SSH keys are in the metadata of Compute Engine. */
export const METADATA_USERS = ['operator', 'root'] as const;

/** Offers an SSH key to the machine: as key pair of the instance, or for accounts in the metadata of the project and of the instance. */
export function withSshKey(state: CloudState, key: string): CloudState {
  if (state.cloud === 'aws')
    return { ...state, machine: { ...state.machine, publicKeys: [{ name: 'operator', key }] } };
  const keys = { 'ssh-keys': METADATA_USERS.map((user) => `${user}:${key}`).join('\n') };
  const attributes = { ...state.machine.attributes, ...keys };
  const projectAttributes = { ...state.machine.projectAttributes, ...keys };
  return { ...state, machine: { ...state.machine, attributes, projectAttributes } };
}

/** The account of an administrator who logs in by OS Login. */
export const OS_LOGIN_USER = 'alice_example_org';

/** Enables OS Login for a machine, and lets in an administrator. */
export function withOsLogin(state: CloudState, sshKey: string): CloudState {
  if (state.cloud !== 'gce') throw new Error('only Compute Engine has OS Login');
  const user = { email: 'alice@example.org', username: OS_LOGIN_USER, uid: 2_000_000_001 };
  const attributes = { ...state.machine.attributes, 'enable-oslogin': 'TRUE' };
  return {
    ...state,
    machine: { ...state.machine, attributes, osLoginUser: { ...user, sshKey, isAdmin: true } },
  };
}

/** Takes everything away that a machine for EC2 in a subnet with IPv6 only does not have. */
export function withoutIpv4(state: CloudState): CloudState {
  if (state.cloud !== 'aws') throw new Error('IPv6 only is simulated for EC2 alone');
  const {
    privateIpv4: _,
    publicIpv4: __,
    publicHostname: ___,
    subnetBlock: ____,
    ...machine
  } = state.machine;
  const localHostname = `${machine.instanceId}.${machine.region}.compute.internal`;
  return { ...state, machine: { ...machine, localHostname } };
}

const DAY_MS = 86_400_000;

/** A public key that the cloud offers. Its private key does not exist. */
const KEY = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGtleSB3aXRob3V0IGEgcHJpdmF0ZSBvbmUgKHRlc3Qp operator';

/** What the simulated cloud knows about the machine at its first boot. */
export function cloudOf({ cloud, arch }: Pick<MachineSettings, 'cloud' | 'arch'>): CloudState {
  const settings = storedSettings(cloud);
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
        role: {
          name: 'turn',
          credentials: {
            accessKeyId: 'ASIAEXAMPLEOFTHELAB0',
            secretAccessKey: 'a-key-of-the-laboratory',
            sessionToken: 'a-session-of-the-laboratory',
            expires: now + DAY_MS,
          },
        },
        publicKeys: [{ name: 'operator', key: KEY }],
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
      projectId: PROJECT,
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
      projectAttributes: { 'ssh-keys': `operator:${KEY}` },
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
