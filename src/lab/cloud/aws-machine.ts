/** Credentials of an instance role, as the metadata service returns them. */
export interface AwsCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken: string;
  /** When they expire, in milliseconds since 1970. */
  readonly expires: number;
}

/** An EC2 instance with one network interface. Absent values are answered with 404, as on EC2. */
export interface AwsMachine {
  readonly instanceId: string;
  readonly instanceType: string;
  readonly imageId: string;
  readonly architecture: 'arm64' | 'x86_64';
  readonly accountId: string;
  readonly region: string;
  readonly availabilityZone: string;
  readonly mac: string;
  /** Absent in a subnet with IPv6 only, and so is the subnet's IPv4 block. */
  readonly privateIpv4?: string;
  readonly localHostname: string;
  readonly publicIpv4?: string;
  /** Absent without a public address, and in a VPC whose DNS host names are disabled. */
  readonly publicHostname?: string;
  readonly ipv6: readonly string[];
  readonly subnetBlock?: string;
  readonly vpcBlock: string;
  readonly role?: { readonly name: string; readonly credentials: AwsCredentials };
  readonly publicKeys: readonly { readonly name: string; readonly key: string }[];
  readonly userData?: string | Uint8Array;
  /** Only instances of an Auto Scaling group have one. */
  readonly targetLifecycleState?: string;
  /** Launch time in milliseconds since 1970. */
  readonly launched: number;
  /** Signs session tokens. A new key invalidates all tokens that were issued before. */
  readonly tokenKey: string;
  /**
   * Whether a folder without its trailing slash is redirected. Hosts differ: 301 in github.com/jtblin/kube2iam/pull/119, 200 in
   * github.com/awslabs/aws-sdk-rust/issues/560.
   */
  readonly redirectsFolders?: boolean;
}

/** The DNS suffix of the region's endpoints. */
export const domainOf = (region: string) => (region.startsWith('cn-') ? 'amazonaws.com.cn' : 'amazonaws.com');

/** The partition in the region's ARNs. */
export const partitionOf = (region: string) =>
  region.startsWith('cn-') ? 'aws-cn' : region.startsWith('us-gov-') ? 'aws-us-gov' : 'aws';
