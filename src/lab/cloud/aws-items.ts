import { type AwsMachine, domainOf, partitionOf } from './aws-machine.ts';

/** A folder of metadata, or the value of an item. */
export type AwsItem = string | Uint8Array | AwsFolder;

/** `entries` has its items by name. `listing` replaces the list of names where EC2 lists something else. */
export interface AwsFolder {
  readonly entries: ReadonlyMap<string, AwsItem>;
  readonly listing?: string;
}

export const isFolder = (item: AwsItem): item is AwsFolder =>
  typeof item === 'object' && !(item instanceof Uint8Array);

/** Absent items are undefined and left out. */
const folder = (items: Record<string, AwsItem | undefined>, listing?: string): AwsFolder => ({
  entries: new Map(
    Object.entries(items).filter((entry): entry is [string, AwsItem] => entry[1] !== undefined),
  ),
  ...(listing === undefined ? {} : { listing }),
});

/** JSON documents have two spaces of indentation on EC2. */
const document = (value: unknown) => JSON.stringify(value, null, 2);
const time = (milliseconds: number) => `${new Date(milliseconds).toISOString().slice(0, 19)}Z`;

/**
 * All items below /VERSION/ (AWS, "Instance metadata categories"). Tags are absent because InstanceMetadataTags is disabled by default, and
 * spot/ because the instance is on demand.
 */
export function awsItems(machine: AwsMachine): AwsFolder {
  return folder({
    dynamic: folder({ 'instance-identity': folder({ document: identityDocument(machine) }) }),
    'meta-data': metaData(machine),
    'user-data': machine.userData,
  });
}

function metaData(machine: AwsMachine): AwsFolder {
  return folder({
    'ami-id': machine.imageId,
    autoscaling:
      machine.targetLifecycleState === undefined
        ? undefined
        : folder({ 'target-lifecycle-state': machine.targetLifecycleState }),
    hostname: machine.localHostname,
    iam: machine.role === undefined ? undefined : iam(machine, machine.role),
    'instance-id': machine.instanceId,
    'instance-type': machine.instanceType,
    ipv6: machine.ipv6[0],
    'local-hostname': machine.localHostname,
    'local-ipv4': machine.privateIpv4,
    mac: machine.mac,
    network: folder({ interfaces: folder({ macs: folder({ [machine.mac]: networkInterface(machine) }) }) }),
    placement: folder({ 'availability-zone': machine.availabilityZone, region: machine.region }),
    'public-hostname': machine.publicHostname,
    'public-ipv4': machine.publicIpv4,
    'public-keys': machine.publicKeys.length === 0 ? undefined : publicKeys(machine.publicKeys),
    services: folder({ domain: domainOf(machine.region), partition: partitionOf(machine.region) }),
  });
}

function networkInterface(machine: AwsMachine): AwsFolder {
  return folder({
    'device-number': '0',
    'ipv4-associations':
      machine.publicIpv4 === undefined ? undefined : folder({ [machine.publicIpv4]: machine.privateIpv4 }),
    ipv6s: machine.ipv6.length === 0 ? undefined : machine.ipv6.join('\n'),
    'local-hostname': machine.localHostname,
    'local-ipv4s': machine.privateIpv4,
    mac: machine.mac,
    'owner-id': machine.accountId,
    'public-hostname': machine.publicHostname,
    'public-ipv4s': machine.publicIpv4,
    'subnet-ipv4-cidr-block': machine.subnetBlock,
    'vpc-ipv4-cidr-block': machine.vpcBlock,
    'vpc-ipv4-cidr-blocks': machine.vpcBlock,
  });
}

function iam(machine: AwsMachine, role: NonNullable<AwsMachine['role']>): AwsFolder {
  const { accessKeyId, secretAccessKey, sessionToken, expires } = role.credentials;
  const head = { Code: 'Success', LastUpdated: time(machine.launched) };
  const profile = `arn:${partitionOf(machine.region)}:iam::${machine.accountId}:instance-profile/${role.name}`;
  return folder({
    info: document({ ...head, InstanceProfileArn: profile, InstanceProfileId: 'AIPAEXAMPLEEXAMPLE123' }),
    'security-credentials': folder({
      [role.name]: document({
        ...head,
        Type: 'AWS-HMAC',
        AccessKeyId: accessKeyId,
        SecretAccessKey: secretAccessKey,
        Token: sessionToken,
        Expiration: time(expires),
      }),
    }),
  });
}

/** The folder lists `0=NAME`, but the path of the key has only the number (cloudinit/sources/helpers/ec2.py, MetadataMaterializer). */
function publicKeys(keys: AwsMachine['publicKeys']): AwsFolder {
  return folder(
    Object.fromEntries(keys.map(({ key }, index) => [`${index}`, folder({ 'openssh-key': key })])),
    keys.map(({ name }, index) => `${index}=${name}`).join('\n'),
  );
}

function identityDocument(machine: AwsMachine): string {
  return document({
    accountId: machine.accountId,
    architecture: machine.architecture,
    availabilityZone: machine.availabilityZone,
    billingProducts: null,
    devpayProductCodes: null,
    marketplaceProductCodes: null,
    imageId: machine.imageId,
    instanceId: machine.instanceId,
    instanceType: machine.instanceType,
    kernelId: null,
    pendingTime: time(machine.launched),
    privateIp: machine.privateIpv4 ?? null,
    ramdiskId: null,
    region: machine.region,
    version: '2017-09-30',
  });
}
