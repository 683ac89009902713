import { describe, expect, it } from 'vitest';
import { checkUserData } from '../../../../src/config/machine/check.ts';
import { answerAws } from '../../../../src/lab/cloud/aws.ts';
import { issueToken } from '../../../../src/lab/cloud/aws-token.ts';
import {
  cloudOf,
  LIMITS,
  limitedSettings,
  ownSettings,
  storedSettings,
  withOsLogin,
  withoutIpv4,
  withSshKey,
} from '../../../../src/lab/machine/identity.ts';
import { textOf } from '../../../support/cloud.ts';

const AWS = cloudOf({ cloud: 'aws', arch: 'arm64' });
const GCE = cloudOf({ cloud: 'gce', arch: 'arm64' });
const KEY = 'ssh-ed25519 AAAA operator';

/** Value of an item of EC2's metadata; undefined if it is absent. */
function item(state: typeof AWS, path: string): string | undefined {
  if (state.cloud !== 'aws') throw new Error('not EC2');
  const now = state.machine.launched;
  const headers = { 'x-aws-ec2-metadata-token': issueToken(state.machine.tokenKey, 60, now) };
  const request = { method: 'GET', path: `/latest/${path}`, query: '', headers, body: '' };
  const response = answerAws(state.machine, request, now);
  return response.status === 200 ? textOf(response) : undefined;
}

describe('the settings of the laboratory', () => {
  it.each(['aws', 'gce'] as const)('are valid on %s', (cloud) => {
    for (const text of [storedSettings(cloud), ownSettings(), limitedSettings()])
      expect(checkUserData(Buffer.from(text), cloud, new Date())).toEqual([]);
  });

  it('limit the other machine so that its own sessions fit', () => {
    // 100 messages of 100 bytes, each with the header of its channel, may all be sent within a second.
    expect(LIMITS.maxBps).toBeGreaterThan(100 * 104);
    expect(LIMITS.totalQuota).toBeGreaterThan(LIMITS.userQuota);
  });
});

describe('withSshKey', () => {
  it('offers one key pair on EC2', () => {
    expect(item(withSshKey(AWS, KEY), 'meta-data/public-keys/')).toBe('0=operator');
    expect(item(withSshKey(AWS, KEY), 'meta-data/public-keys/0/openssh-key')).toBe(KEY);
  });

  it('offers the key for accounts in both places of the metadata of Compute Engine', () => {
    const state = withSshKey(GCE, KEY);
    const keys = `operator:${KEY}\nroot:${KEY}`;
    if (state.cloud !== 'gce') throw new Error('not Compute Engine');
    expect(state.machine.attributes['ssh-keys']).toBe(keys);
    expect(state.machine.projectAttributes['ssh-keys']).toBe(keys);
    expect(state.machine.attributes['turn-settings']).toBe(storedSettings('gce'));
  });
});

it('withOsLogin enables it for an administrator, with the same settings', () => {
  const state = withOsLogin(GCE, KEY);
  if (state.cloud !== 'gce') throw new Error('not Compute Engine');
  expect(state.machine.attributes).toMatchObject({
    'enable-oslogin': 'TRUE',
    'turn-settings': storedSettings('gce'),
  });
  expect(state.machine.osLoginUser).toMatchObject({ sshKey: KEY, isAdmin: true });
  expect(() => withOsLogin(AWS, KEY)).toThrow('only Compute Engine');
});

describe('withoutIpv4', () => {
  const state = withoutIpv4(AWS);
  const nic = 'meta-data/network/interfaces/macs/52:54:00:12:34:56';

  it.each([
    'meta-data/local-ipv4',
    'meta-data/public-ipv4',
    'meta-data/public-hostname',
    `${nic}/local-ipv4s`,
    `${nic}/public-ipv4s`,
    `${nic}/ipv4-associations/`,
    `${nic}/subnet-ipv4-cidr-block`,
  ])('removes %s', (path) => {
    expect(item(AWS, path)).toBeDefined();
    expect(item(state, path)).toBeUndefined();
  });

  it('keeps the IPv6 address, and names the machine after its instance', () => {
    expect(item(state, `${nic}/ipv6s`)).toBe('2600:1:0:9::10');
    expect(item(state, 'meta-data/local-hostname')).toBe('i-0123456789abcdef0.eu-west-1.compute.internal');
    expect(JSON.parse(item(state, 'dynamic/instance-identity/document') ?? '')).toMatchObject({
      privateIp: null,
    });
  });

  it('is for EC2 only', () => {
    expect(() => withoutIpv4(GCE)).toThrow('EC2');
  });
});
