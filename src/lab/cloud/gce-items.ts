import type { GceMachine, ServiceAccount } from './gce-machine.ts';

/** An item of metadata. */
export type GceItem =
  | { readonly is: 'text'; readonly value: string }
  /** A number in JSON. Kept as text, because an instance's id has 64 bits. */
  | { readonly is: 'number'; readonly value: string }
  /** Several values under one path. */
  | { readonly is: 'values'; readonly values: readonly string[] }
  /** A JSON document of its own, which recursive answers leave out. */
  | { readonly is: 'document'; readonly fields: Readonly<Record<string, string | number>> }
  /** Names become camelCase in JSON, unless users chose them. */
  | { readonly is: 'folder'; readonly items: ReadonlyMap<string, GceItem>; readonly hasUserNames: boolean }
  /** A folder whose names are numbers. An array in JSON. */
  | { readonly is: 'list'; readonly items: readonly GceItem[] };

const text = (value: string): GceItem => ({ is: 'text', value });
const number = (value: string | number): GceItem => ({ is: 'number', value: `${value}` });
const values = (list: readonly string[]): GceItem => ({ is: 'values', values: list });
const list = (...items: GceItem[]): GceItem => ({ is: 'list', items });
const folder = (items: Record<string, GceItem>, hasUserNames = false): GceItem => ({
  is: 'folder',
  items: new Map(Object.entries(items)),
  hasUserNames,
});
const userFolder = (items: Record<string, GceItem>) => folder(items, true);
const attributes = (map: Readonly<Record<string, string>>) =>
  userFolder(Object.fromEntries(Object.entries(map).map(([name, value]) => [name, text(value)])));

/** All items below /computeMetadata/v1/ (Google, "Predefined metadata keys"). */
export function gceItems(machine: GceMachine, now: number): GceItem {
  return folder({
    instance: instance(machine, now),
    oslogin: folder({ authenticate: folder({ sessions: folder({}) }) }),
    project: folder({
      attributes: attributes(machine.projectAttributes),
      'numeric-project-id': number(machine.projectNumber),
      'project-id': text(machine.projectId),
    }),
  });
}

function instance(machine: GceMachine, now: number): GceItem {
  const { serviceAccount } = machine;
  const resource = (kind: string, name: string) => text(`projects/${machine.projectNumber}/${kind}/${name}`);
  return folder({
    attributes: attributes(machine.attributes),
    description: text(''),
    hostname: text(machine.hostname),
    id: number(machine.instanceId),
    'machine-type': resource('machineTypes', machine.machineType),
    'maintenance-event': text(machine.maintenanceEvent),
    name: text(machine.name),
    'network-interfaces': list(networkInterface(machine, resource('networks', machine.network))),
    preempted: text(machine.preempted ? 'TRUE' : 'FALSE'),
    scheduling: folder({
      'automatic-restart': text('TRUE'),
      'on-host-maintenance': text('MIGRATE'),
      preemptible: text('FALSE'),
    }),
    'service-accounts': userFolder(serviceAccount === undefined ? {} : accounts(serviceAccount, now)),
    tags: values(machine.tags),
    'virtual-clock': folder({ 'drift-token': text('0') }),
    zone: resource('zones', machine.zone),
  });
}

function networkInterface(machine: GceMachine, network: GceItem): GceItem {
  const { publicIpv4 } = machine;
  const access =
    publicIpv4 === undefined
      ? []
      : [folder({ 'external-ip': text(publicIpv4), type: text('ONE_TO_ONE_NAT') })];
  return folder({
    'access-configs': list(...access),
    'dns-servers': values(['169.254.169.254']),
    'forwarded-ips': list(),
    gateway: text(machine.gateway),
    ip: text(machine.privateIpv4),
    'ip-aliases': list(),
    ...(machine.ipv6.length === 0 ? {} : { ipv6s: values(machine.ipv6) }),
    mac: text(machine.mac),
    mtu: number(machine.mtu),
    network,
    subnetmask: text(machine.subnetMask),
    'target-instance-ips': list(),
  });
}

/** An account is listed by its address and by its alias. */
function accounts(account: ServiceAccount, now: number): Record<string, GceItem> {
  const items = folder({
    aliases: values(['default']),
    email: text(account.email),
    scopes: values(account.scopes),
    token: {
      is: 'document',
      fields: {
        access_token: account.token,
        expires_in: Math.max(0, Math.floor((account.expires - now) / 1000)),
        token_type: 'Bearer',
      },
    },
  });
  return { [account.email]: items, default: items };
}
