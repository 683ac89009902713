import { createHash, createHmac } from 'node:crypto';
import type { AwsCredentials, AwsMachine } from '../../src/lab/cloud/aws-machine.ts';
import type { CloudRequest, CloudResponse } from '../../src/lab/cloud/exchange.ts';
import type { GceMachine } from '../../src/lab/cloud/gce-machine.ts';

/** The time of these tests. */
export const NOW = Date.UTC(2026, 10, 27, 12, 0, 0);

/** The access key is the one of AWS's documentation. */
export const CREDENTIALS: AwsCredentials = {
  accessKeyId: 'ASIAIOSFODNN7EXAMPLE',
  secretAccessKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
  sessionToken: 'session+token/of=role',
  expires: NOW + 3_600_000,
};

export const AWS_MACHINE: AwsMachine = {
  instanceId: 'i-0123456789abcdef0',
  instanceType: 'c7g.large',
  imageId: 'ami-0123456789abcdef0',
  architecture: 'arm64',
  accountId: '123456789012',
  region: 'eu-central-1',
  availabilityZone: 'eu-central-1b',
  mac: '02:00:00:00:00:01',
  privateIpv4: '172.31.16.10',
  localHostname: 'ip-172-31-16-10.eu-central-1.compute.internal',
  publicIpv4: '198.51.100.7',
  publicHostname: 'ec2-198-51-100-7.eu-central-1.compute.amazonaws.com',
  ipv6: ['2001:db8:1::10'],
  subnetBlock: '172.31.16.0/20',
  vpcBlock: '172.31.0.0/16',
  role: { name: 'turn', credentials: CREDENTIALS },
  publicKeys: [{ name: 'operator', key: 'ssh-ed25519 AAAA operator' }],
  userData: '{"realm":"example.org"}',
  targetLifecycleState: 'InService',
  launched: NOW - 60_000,
  tokenKey: 'key of tokens',
};

export const GCE_MACHINE: GceMachine = {
  projectId: 'calls',
  projectNumber: '739419398126',
  instanceId: '7723260132568912421',
  name: 'turn-1',
  hostname: 'turn-1.europe-west1-b.c.calls.internal',
  zone: 'europe-west1-b',
  machineType: 't2a-standard-1',
  mac: '42:01:0a:84:00:02',
  mtu: 1460,
  network: 'default',
  privateIpv4: '10.132.0.2',
  subnetMask: '255.255.240.0',
  gateway: '10.132.0.1',
  publicIpv4: '198.51.100.7',
  ipv6: ['2001:db8:2::2'],
  attributes: { 'turn-settings': '{"realm":"example.org"}', 'enable-oslogin': 'TRUE' },
  projectAttributes: { 'ssh-keys': 'user:ssh-ed25519 AAAA' },
  serviceAccount: {
    email: 'turn@calls.iam.gserviceaccount.com',
    scopes: ['https://www.googleapis.com/auth/cloud-platform'],
    token: 'ya29.token',
    expires: NOW + 3_600_000,
  },
  tags: ['turn', 'public'],
  maintenanceEvent: 'NONE',
  preempted: false,
};

/** A GET of a path with its query. */
export function get(url: string, headers: Record<string, string> = {}, method = 'GET'): CloudRequest {
  const [path = '', query = ''] = url.split('?');
  return { method, path, query, headers, body: '' };
}

export const textOf = ({ body }: CloudResponse) =>
  typeof body === 'string' ? body : Buffer.from(body).toString();

/** Signs a request in the order of AWS's guide. `signed` are the names of signed headers. */
export function sign(
  request: CloudRequest,
  { accessKeyId, secretAccessKey }: Pick<AwsCredentials, 'accessKeyId' | 'secretAccessKey'>,
  { region, service }: { region: string; service: string },
  signed = Object.keys(request.headers),
): CloudRequest {
  const time = request.headers['x-amz-date'] ?? '';
  const names = [...signed].sort();
  const hash = (text: string) => createHash('sha256').update(text).digest('hex');
  const hmac = (key: string | Buffer, text: string) => createHmac('sha256', key).update(text).digest();
  const lines = names.map((name) => `${name}:${request.headers[name]}\n`).join('');
  const { method, path, query, body } = request;
  const canonical = `${method}\n${path}\n${query}\n${lines}\n${names.join(';')}\n${hash(body)}`;
  const scope = `${time.slice(0, 8)}/${region}/${service}/aws4_request`;
  const dateKey = hmac(`AWS4${secretAccessKey}`, time.slice(0, 8));
  const key = hmac(hmac(hmac(dateKey, region), service), 'aws4_request');
  const signature = hmac(key, `AWS4-HMAC-SHA256\n${time}\n${scope}\n${hash(canonical)}`).toString('hex');
  const authorization = `AWS4-HMAC-SHA256 Credential=${accessKeyId}/${scope}, SignedHeaders=${names.join(';')}, Signature=${signature}`;
  return { ...request, headers: { ...request.headers, authorization } };
}
