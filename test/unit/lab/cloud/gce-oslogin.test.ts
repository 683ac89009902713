import { describe, expect, it } from 'vitest';
import { answerGce } from '../../../../src/lab/cloud/gce.ts';
import type { GceMachine } from '../../../../src/lab/cloud/gce-machine.ts';
import { GCE_MACHINE, get, NOW, textOf } from '../../../support/cloud.ts';

const GOOGLE = { 'metadata-flavor': 'Google' };
const ask = (path: string, machine = GCE_MACHINE, headers: Record<string, string> = GOOGLE) =>
  answerGce(machine, get(`/computeMetadata/v1/${path}`, headers), NOW);

describe('OS Login', () => {
  const withAttributes = (attributes: GceMachine['attributes']): GceMachine => ({
    ...GCE_MACHINE,
    attributes,
  });

  it.each(['oslogin/users?pagesize=2048', 'oslogin/groups?pagesize=2048&pagetoken=x'])(
    'has an empty list if it is enabled: %s',
    (path) => {
      expect(JSON.parse(textOf(ask(path)))).toEqual({ nextPageToken: '0' });
      expect(ask(path, GCE_MACHINE, {}).status).toBe(403);
      expect(ask(path, withAttributes({})).status).toBe(404);
      expect(ask(path, withAttributes({ 'enable-oslogin': 'FALSE' })).status).toBe(404);
      const project = { ...withAttributes({}), projectAttributes: { 'enable-oslogin': 'true' } };
      expect(ask(path, project).status).toBe(200);
      expect(ask(path, { ...project, attributes: { 'enable-oslogin': 'FALSE' } }).status).toBe(404);
    },
  );

  it.each([
    'oslogin/users?username=root',
    'oslogin/users?uid=0',
    'oslogin/groups?gid=0',
    'oslogin/authorize?email=x',
  ])('knows nobody: %s', (path) => expect(ask(path).status).toBe(404));

  describe('of an organisation with a user', () => {
    const user = {
      ...{ email: 'alice@example.org', username: 'alice_example_org', uid: 123_456 },
      ...{ sshKey: 'ssh-ed25519 AAAA alice', isAdmin: true },
    };
    const withUser = (more: Partial<typeof user> = {}): GceMachine => ({
      ...withAttributes({ 'enable-oslogin': 'TRUE' }),
      osLoginUser: { ...user, ...more },
    });
    const json = (path: string, machine = withUser()) => JSON.parse(textOf(ask(path, machine))) as unknown;

    it.each(['username=alice_example_org', 'uid=123456'])('knows the account and the keys: %s', (query) => {
      expect(json(`oslogin/users?${query}`)).toMatchObject({
        loginProfiles: [
          {
            name: 'alice@example.org',
            posixAccounts: [
              { username: 'alice_example_org', uid: '123456', gid: '123456', shell: '/bin/bash' },
            ],
            sshPublicKeys: { 'a-fingerprint': { key: 'ssh-ed25519 AAAA alice' } },
          },
        ],
      });
    });

    it('decides who may log in and become root', () => {
      const may = (policy: string, isAdmin: boolean) =>
        json(`oslogin/authorize?email=alice%40example.org&policy=${policy}`, withUser({ isAdmin }));
      expect(may('login', false)).toEqual({ success: true });
      expect(may('adminLogin', true)).toEqual({ success: true });
      expect(may('adminLogin', false)).toEqual({ success: false });
      expect(may('other', true)).toEqual({ success: false });
    });

    it('has no groups', () =>
      expect(json('oslogin/groups?email=alice%40example.org')).toEqual({ nextPageToken: '0' }));

    it.each([
      'oslogin/users?username=bob',
      'oslogin/users?uid=1',
      'oslogin/users',
      'oslogin/authorize?email=bob&policy=login',
      'oslogin/groups?email=bob',
      'oslogin/other?email=alice%40example.org',
    ])('does not know %s', (path) => expect(ask(path, withUser()).status).toBe(404));

    it('knows nobody if it is not enabled', () => {
      const machine = { ...withUser(), attributes: {} };
      expect(ask('oslogin/users?username=alice_example_org', machine).status).toBe(404);
    });
  });
});
