import { describe, expect, it } from 'vitest';
import { answerAws } from '../../../../src/lab/cloud/aws.ts';
import type { AwsMachine } from '../../../../src/lab/cloud/aws-machine.ts';
import type { CloudRequest } from '../../../../src/lab/cloud/exchange.ts';
import { AWS_MACHINE, CREDENTIALS, get, NOW, textOf } from '../../../support/cloud.ts';

const TOKEN = '/latest/api/token';
const put = (seconds?: string, headers: Record<string, string> = {}, path = TOKEN): CloudRequest =>
  get(
    path,
    { ...(seconds === undefined ? {} : { 'x-aws-ec2-metadata-token-ttl-seconds': seconds }), ...headers },
    'PUT',
  );
const tokenOf = (machine: AwsMachine, seconds = '21600', now = NOW) =>
  textOf(answerAws(machine, put(seconds), now));
const ask = (path: string, machine: AwsMachine = AWS_MACHINE) =>
  answerAws(machine, get(path, { 'x-aws-ec2-metadata-token': tokenOf(machine) }), NOW);
const value = (path: string, machine?: AwsMachine) => {
  const response = ask(`/latest/meta-data/${path}`, machine);
  return response.status === 200 ? textOf(response) : response.status;
};
/** The machine without some of its values. */
function without(...names: (keyof AwsMachine)[]): AwsMachine {
  const entries = Object.entries(AWS_MACHINE).filter(([name]) => !names.includes(name as keyof AwsMachine));
  return Object.fromEntries(entries) as unknown as AwsMachine;
}

describe("EC2's session tokens", () => {
  it.each(['1', '21600'])('are issued for %s seconds', (seconds) => {
    const response = answerAws(AWS_MACHINE, put(seconds), NOW);
    expect(response.status).toBe(200);
    expect(response.headers['x-aws-ec2-metadata-token-ttl-seconds']).toBe(seconds);
    expect(textOf(response)).toMatch(/^[\w-]{50,}$/);
  });

  it.each([undefined, '', '0', '21601', '-1', '1.5', '60s', '1e3'])(
    'are not issued for %s seconds',
    (seconds) => {
      const response = answerAws(AWS_MACHINE, put(seconds), NOW);
      expect(response.status).toBe(400);
      expect(textOf(response)).toContain('<title>400 - Bad Request</title>');
    },
  );

  it('are not issued through a proxy', () =>
    expect(answerAws(AWS_MACHINE, put('60', { 'x-forwarded-for': '' }), NOW).status).toBe(403));

  it('are not issued below a dated version', () =>
    expect(answerAws(AWS_MACHINE, put('60', {}, '/2021-07-15/api/token'), NOW).status).toBe(403));

  it('are issued only for PUT', () => expect(ask(TOKEN).status).toBe(405));

  it.each([
    [59_999, 200],
    [60_000, 401],
  ])('of 60 s, after %i ms, give %i', (age, status) => {
    const headers = { 'x-aws-ec2-metadata-token': tokenOf(AWS_MACHINE, '60') };
    expect(answerAws(AWS_MACHINE, get('/latest/meta-data/mac', headers), NOW + age).status).toBe(status);
  });

  it.each([
    ['no token', {}],
    ['an empty one', { 'x-aws-ec2-metadata-token': '' }],
    ['an invented one', { 'x-aws-ec2-metadata-token': 'A'.repeat(54) }],
    ['one with a later expiry', { 'x-aws-ec2-metadata-token': `AAAC${tokenOf(AWS_MACHINE).slice(4)}` }],
    [
      'one of another machine',
      { 'x-aws-ec2-metadata-token': tokenOf({ ...AWS_MACHINE, tokenKey: 'other' }) },
    ],
  ])('are required: %s', (_, headers: Record<string, string>) => {
    for (const path of ['/', '/latest/meta-data/mac', '/latest/user-data', '/latest/nothing']) {
      const response = answerAws(AWS_MACHINE, get(path, headers), NOW);
      expect([path, response.status]).toEqual([path, 401]);
      expect(textOf(response)).toContain('<title>401 - Unauthorized</title>');
    }
  });

  it('do not allow other methods', () => {
    const headers = { 'x-aws-ec2-metadata-token': tokenOf(AWS_MACHINE) };
    expect(answerAws(AWS_MACHINE, get('/latest/user-data', headers, 'POST'), NOW).status).toBe(405);
    expect(answerAws(AWS_MACHINE, get('/latest/user-data', headers, 'HEAD'), NOW).status).toBe(200);
  });
});

describe("EC2's items", () => {
  it.each([
    ['instance-id', 'i-0123456789abcdef0'],
    ['instance-type', 'c7g.large'],
    ['ami-id', 'ami-0123456789abcdef0'],
    ['local-ipv4', '172.31.16.10'],
    ['public-ipv4', '198.51.100.7'],
    ['local-hostname', AWS_MACHINE.localHostname],
    ['public-hostname', AWS_MACHINE.publicHostname],
    ['mac', '02:00:00:00:00:01'],
    ['network/interfaces/macs/', '02:00:00:00:00:01/'],
    ['network/interfaces/macs/02:00:00:00:00:01/local-ipv4s', '172.31.16.10'],
    ['network/interfaces/macs/02:00:00:00:00:01/public-ipv4s', '198.51.100.7'],
    ['network/interfaces/macs/02:00:00:00:00:01/ipv6s', '2001:db8:1::10'],
    ['network/interfaces/macs/02:00:00:00:00:01/subnet-ipv4-cidr-block', '172.31.16.0/20'],
    ['network/interfaces/macs/02:00:00:00:00:01/vpc-ipv4-cidr-block', '172.31.0.0/16'],
    ['network/interfaces/macs/02:00:00:00:00:01/device-number', '0'],
    ['network/interfaces/macs/02%3A00:00:00:00:01/device-number', '0'],
    ['placement/region', 'eu-central-1'],
    ['placement/availability-zone', 'eu-central-1b'],
    ['iam/security-credentials/', 'turn'],
    ['public-keys/', '0=operator'],
    ['public-keys/0/', 'openssh-key'],
    ['public-keys/0/openssh-key', 'ssh-ed25519 AAAA operator'],
    ['services/domain', 'amazonaws.com'],
    ['autoscaling/target-lifecycle-state', 'InService'],
    ['spot/instance-action', 404],
    ['tags/instance/Name', 404],
    ['public-keys/0=operator', 404],
    ['iam/security-credentials/other', 404],
    ['mac/more', 404],
    ['constructor', 404],
    ['%zz', 404],
  ])('%s: %s', (path, expected) => expect(value(path)).toBe(expected));

  it('include the credentials of the role', () =>
    expect(JSON.parse(String(value('iam/security-credentials/turn')))).toEqual({
      Code: 'Success',
      LastUpdated: '2026-11-27T11:59:00Z',
      Type: 'AWS-HMAC',
      AccessKeyId: CREDENTIALS.accessKeyId,
      SecretAccessKey: CREDENTIALS.secretAccessKey,
      Token: CREDENTIALS.sessionToken,
      Expiration: '2026-11-27T13:00:00Z',
    }));

  it('include the instance profile and the identity document', () => {
    expect(JSON.parse(String(value('iam/info')))).toMatchObject({
      Code: 'Success',
      InstanceProfileArn: 'arn:aws:iam::123456789012:instance-profile/turn',
    });
    expect(JSON.parse(textOf(ask('/latest/dynamic/instance-identity/document')))).toMatchObject({
      accountId: '123456789012',
      architecture: 'arm64',
      privateIp: '172.31.16.10',
      region: 'eu-central-1',
    });
  });

  it('include user data, byte for byte', () => {
    const userData = new Uint8Array([0, 255, 10]);
    expect(ask('/latest/user-data', { ...AWS_MACHINE, userData })).toMatchObject({
      body: userData,
      headers: { 'content-type': 'application/octet-stream' },
    });
  });

  it('are absent where the machine has none', () => {
    const bare = {
      ...without('publicIpv4', 'publicHostname', 'role', 'userData', 'targetLifecycleState'),
      ipv6: [],
      publicKeys: [],
    };
    const nic = 'network/interfaces/macs/02:00:00:00:00:01/';
    for (const path of ['public-ipv4', 'public-hostname', 'ipv6', 'iam/', 'iam/info', 'public-keys/'])
      expect([path, value(path, bare)]).toEqual([path, 404]);
    for (const path of [`${nic}public-ipv4s`, `${nic}ipv6s`, 'autoscaling/target-lifecycle-state'])
      expect([path, value(path, bare)]).toEqual([path, 404]);
    const response = ask('/latest/user-data', bare);
    expect(response.status).toBe(404);
    expect(textOf(response)).toContain('<title>404 - Not Found</title>');
    expect(textOf(ask('/latest/', bare))).toBe('dynamic\nmeta-data');
    expect(String(value('', bare)).split('\n')).not.toContain('public-ipv4');
  });

  it('are in China at amazonaws.com.cn', () =>
    expect(value('services/domain', { ...AWS_MACHINE, region: 'cn-north-1' })).toBe('amazonaws.com.cn'));
});

describe("EC2's folders", () => {
  it('are lists of names without a final newline, with a slash after folders', () => {
    expect(value('iam/')).toBe('info\nsecurity-credentials/');
    expect(value('placement/')).toBe('availability-zone\nregion');
    expect(textOf(ask('/latest/'))).toBe('dynamic\nmeta-data\nuser-data');
    expect(String(value('')).split('\n')).toEqual(
      expect.arrayContaining(['iam/', 'local-ipv4', 'network/', 'public-ipv4', 'public-keys/']),
    );
  });

  it('need no slash, and items may have one', () => {
    expect(value('iam')).toBe('info\nsecurity-credentials/');
    expect(value('local-ipv4/')).toBe('172.31.16.10');
    expect(value('local-ipv4//')).toBe(404);
  });

  it('redirect without a slash on some hosts', () => {
    const response = ask('/latest/meta-data/iam', { ...AWS_MACHINE, redirectsFolders: true });
    expect(response).toMatchObject({
      status: 301,
      headers: { location: 'http://169.254.169.254/latest/meta-data/iam/' },
    });
    expect(value('local-ipv4', { ...AWS_MACHINE, redirectsFolders: true })).toBe('172.31.16.10');
  });

  it('are the same in all versions, and absent in others', () => {
    expect(textOf(ask('/')).split('\n')).toEqual(expect.arrayContaining(['1.0', '2021-07-15', 'latest']));
    expect(textOf(ask('/2021-07-15/meta-data/public-ipv4'))).toBe('198.51.100.7');
    expect(ask('/2021-07-16/meta-data/public-ipv4').status).toBe(404);
  });
});
