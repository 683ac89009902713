import { describe, expect, it } from 'vitest';
import { answerGce, pollOf } from '../../../../src/lab/cloud/gce.ts';
import type { GceMachine } from '../../../../src/lab/cloud/gce-machine.ts';
import { GCE_MACHINE, get, NOW, textOf } from '../../../support/cloud.ts';

const GOOGLE = { 'metadata-flavor': 'Google', host: '169.254.169.254' };
const ROOT = '/computeMetadata/v1/';
const ask = (path: string, machine = GCE_MACHINE, headers: Record<string, string> = GOOGLE) =>
  answerGce(machine, get(`${ROOT}${path}`, headers), NOW);
const value = (path: string, machine?: GceMachine) => {
  const response = ask(path, machine);
  return response.status === 200 ? textOf(response) : response.status;
};
const etag = (path: string, machine?: GceMachine) => ask(path, machine).headers.etag;
const { publicIpv4: _, serviceAccount: __, ...BARE } = GCE_MACHINE;

describe("Compute Engine's metadata server", () => {
  it.each([
    {},
    { 'metadata-flavor': 'google' },
    { 'metadata-flavor': '' },
    { 'x-google-metadata-request': 'True' },
  ])('refuses requests without Metadata-Flavor: Google: %j', (headers: Record<string, string>) => {
    for (const path of ['instance/id', '', 'nothing', 'instance']) {
      const response = ask(path, GCE_MACHINE, headers);
      expect([path, response.status]).toEqual([path, 403]);
      expect(textOf(response)).toContain('Missing Metadata-Flavor:Google header.');
    }
  });

  it('refuses requests that a proxy forwarded', () =>
    expect(ask('instance/id', GCE_MACHINE, { ...GOOGLE, 'x-forwarded-for': '10.0.0.1' }).status).toBe(403));

  it("answers Google's guest agent, which doubles a slash", () => {
    expect(value('/?recursive=true&alt=json')).toBe(value('?recursive=true&alt=json'));
    expect(JSON.parse(String(value('/?recursive=true&alt=json')))).toHaveProperty('instance.id');
  });

  it('does not repeat markup of a path', () =>
    expect(textOf(answerGce(GCE_MACHINE, get('/computeMetadata/<b>'), NOW))).toContain('&#60;b&#62;'));

  it.each([
    ['instance/id', 200],
    ['instance/', 200],
    ['instance', 301],
    ['nothing', 404],
    ['instance/?alt=json', 400],
  ])('sends Metadata-Flavor: Google with %s', (path, status) =>
    expect(ask(path)).toMatchObject({ status, headers: { 'metadata-flavor': 'Google' } }),
  );

  it('answers at / without the header', () => {
    const response = answerGce(GCE_MACHINE, get('/'), NOW);
    expect([response.status, textOf(response), response.headers['metadata-flavor']]).toEqual([
      200,
      'computeMetadata/\n',
      'Google',
    ]);
    expect(textOf(answerGce(GCE_MACHINE, get('/computeMetadata/', GOOGLE), NOW))).toBe('v1/\n');
  });

  it('has no other versions, methods or guest attributes', () => {
    expect(answerGce(GCE_MACHINE, get('/computeMetadata/v1beta1/instance/id', GOOGLE), NOW).status).toBe(404);
    expect(answerGce(GCE_MACHINE, get('/latest/meta-data/', GOOGLE), NOW).status).toBe(404);
    expect(answerGce(GCE_MACHINE, get(`${ROOT}instance/id`, GOOGLE, 'PUT'), NOW).status).toBe(405);
    expect(answerGce(GCE_MACHINE, get(`${ROOT}instance/id`, GOOGLE, 'HEAD'), NOW).status).toBe(200);
    expect(value('instance/guest-attributes/')).toBe(403);
  });

  it('redirects folders without their slash, with the query', () => {
    for (const [path, to] of [
      ['instance', 'instance/'],
      ['instance/network-interfaces/0?recursive=true', 'instance/network-interfaces/0/?recursive=true'],
      ['instance/attributes?wait_for_change=true', 'instance/attributes/?wait_for_change=true'],
    ] as const)
      expect(ask(path)).toMatchObject({
        status: 301,
        headers: { location: `http://169.254.169.254${ROOT}${to}` },
      });
    expect(answerGce(GCE_MACHINE, get('/computeMetadata/v1?recursive=true', GOOGLE), NOW)).toMatchObject({
      status: 301,
      headers: { location: `http://169.254.169.254${ROOT}?recursive=true` },
    });
  });
});

describe("Compute Engine's items", () => {
  it.each([
    ['', 'instance/\noslogin/\nproject/\n'],
    ['instance/id', '7723260132568912421'],
    ['instance/name', 'turn-1'],
    ['instance/hostname', 'turn-1.europe-west1-b.c.calls.internal'],
    ['instance/zone', 'projects/739419398126/zones/europe-west1-b'],
    ['instance/machine-type', 'projects/739419398126/machineTypes/t2a-standard-1'],
    ['instance/attributes/', 'turn-settings\nenable-oslogin\n'],
    ['instance/attributes/turn-settings', '{"realm":"example.org"}'],
    ['instance/network-interfaces/', '0/\n'],
    ['instance/network-interfaces/0/ip', '10.132.0.2'],
    ['instance/network-interfaces/0/ipv6s', '2001:db8:2::2\n'],
    ['instance/network-interfaces/0/mac', '42:01:0a:84:00:02'],
    ['instance/network-interfaces/0/mtu', '1460'],
    ['instance/network-interfaces/0/network', 'projects/739419398126/networks/default'],
    ['instance/network-interfaces/0/gateway', '10.132.0.1'],
    ['instance/network-interfaces/0/access-configs/', '0/\n'],
    ['instance/network-interfaces/0/access-configs/0/', 'external-ip\ntype\n'],
    ['instance/network-interfaces/0/access-configs/0/external-ip', '198.51.100.7'],
    ['instance/network-interfaces/0/access-configs/0/type', 'ONE_TO_ONE_NAT'],
    ['instance/service-accounts/', 'turn@calls.iam.gserviceaccount.com/\ndefault/\n'],
    ['instance/service-accounts/default/', 'aliases\nemail\nscopes\ntoken\n'],
    ['instance/service-accounts/default/email', 'turn@calls.iam.gserviceaccount.com'],
    [
      'instance/service-accounts/turn%40calls.iam.gserviceaccount.com/email',
      'turn@calls.iam.gserviceaccount.com',
    ],
    ['instance/service-accounts/default/scopes', 'https://www.googleapis.com/auth/cloud-platform\n'],
    [
      'instance/service-accounts/default/token',
      '{"access_token":"ya29.token","expires_in":3600,"token_type":"Bearer"}',
    ],
    ['instance/service-accounts/default/token/', 404],
    ['instance/maintenance-event', 'NONE'],
    ['instance/preempted', 'FALSE'],
    ['instance/tags', '["turn","public"]'],
    ['instance/tags?alt=text', 'turn\npublic\n'],
    ['project/project-id', 'calls'],
    ['project/numeric-project-id', '739419398126'],
    ['project/attributes/ssh-keys', 'user:ssh-ed25519 AAAA'],
    ['instance/id/', 404],
    ['instance/network-interfaces/1/ip', 404],
    ['instance/attributes/absent', 404],
    ['instance/%zz', 404],
  ])('%s: %s', (path, expected) => expect(value(path)).toBe(expected));

  it('are absent where the machine has none', () => {
    const nic = 'instance/network-interfaces/0/';
    const bare: GceMachine = { ...BARE, ipv6: [] };
    expect(value(`${nic}access-configs/`, bare)).toBe('');
    expect(value(`${nic}access-configs/0/external-ip`, bare)).toBe(404);
    expect(value(`${nic}ipv6s`, bare)).toBe(404);
    expect(value('instance/service-accounts/', bare)).toBe('');
    expect(value('instance/service-accounts/default/token', bare)).toBe(404);
    expect(value(`${nic}access-configs/0/external-ip`, { ...bare, publicIpv4: '' })).toBe('');
  });

  it.each([
    ['instance/id', 'application/text'],
    ['instance/id?alt=json', 'application/json'],
    ['instance/?recursive=true', 'application/json'],
    ['instance/?recursive=true&alt=text', 'application/text'],
    ['instance/service-accounts/default/token', 'application/json'],
  ])('have a content type: %s', (path, type) => expect(ask(path).headers['content-type']).toBe(type));
});

describe("Compute Engine's JSON and text", () => {
  it('has camelCase names, except those that users chose, and no tokens', () => {
    const whole = JSON.parse(String(value('?recursive=true')));
    expect(whole.instance.networkInterfaces[0]).toMatchObject({
      accessConfigs: [{ externalIp: '198.51.100.7', type: 'ONE_TO_ONE_NAT' }],
      ip: '10.132.0.2',
      ipv6s: ['2001:db8:2::2'],
      mtu: 1460,
    });
    expect(whole.instance.attributes).toEqual(GCE_MACHINE.attributes);
    expect(whole.instance.serviceAccounts.default).toEqual({
      aliases: ['default'],
      email: 'turn@calls.iam.gserviceaccount.com',
      scopes: ['https://www.googleapis.com/auth/cloud-platform'],
    });
    expect(whole.instance.virtualClock).toEqual({ driftToken: '0' });
    expect(whole.project).toEqual({
      attributes: GCE_MACHINE.projectAttributes,
      numericProjectId: 739419398126,
      projectId: 'calls',
    });
  });

  it('has ids as numbers, with all digits', () =>
    expect(value('instance/?recursive=true')).toContain('"id":7723260132568912421,'));

  it('has a line for each value in text', () => {
    expect(value('instance/network-interfaces/0/access-configs/?recursive=true&alt=text')).toBe(
      '0/external-ip 198.51.100.7\n0/type ONE_TO_ONE_NAT\n',
    );
    expect(value('instance/service-accounts/default/?recursive=yes&alt=text')).toBe(
      'aliases default\nemail turn@calls.iam.gserviceaccount.com\nscopes https://www.googleapis.com/auth/cloud-platform\n',
    );
    expect(value('instance/service-accounts/default/token?alt=text')).toBe(
      'access_token ya29.token\nexpires_in 3600\ntoken_type Bearer\n',
    );
  });

  it('has single values, too', () => {
    expect(value('instance/name?alt=json')).toBe('"turn-1"');
    expect(value('instance/network-interfaces/0/mtu?alt=json')).toBe('1460');
    expect(value('instance/name?recursive=true')).toBe('turn-1');
  });

  it.each([
    'instance/?alt=json',
    'instance/?alt=text',
    'instance/name?alt=xml',
    'instance/?wait_for_change=true',
  ])('does not exist for %s', (path) => expect(value(path)).toBe(400));

  it('counts a token down', () => {
    const at = (now: number) =>
      JSON.parse(
        textOf(answerGce(GCE_MACHINE, get(`${ROOT}instance/service-accounts/default/token`, GOOGLE), now)),
      );
    expect(at(NOW + 600_500).expires_in).toBe(2999);
    expect(at(NOW + 9_000_000).expires_in).toBe(0);
  });
});

describe("Compute Engine's ETags", () => {
  const changed: GceMachine = { ...GCE_MACHINE, publicIpv4: '198.51.100.8' };

  it('change with the value, and only then', () => {
    expect(etag('instance/name')).toMatch(/^[0-9a-f]{16}$/);
    const address = 'instance/network-interfaces/0/access-configs/0/external-ip';
    expect(etag(address, changed)).not.toBe(etag(address));
    expect(etag('?recursive=true', changed)).not.toBe(etag('?recursive=true'));
    expect(etag('instance/name', changed)).toBe(etag('instance/name'));
  });

  it('do not depend on the form', () => {
    expect(etag('?recursive=true&alt=text')).toBe(etag('?recursive=true'));
    expect(etag('instance/name?alt=json')).toBe(etag('instance/name'));
  });

  it('are what a client waits for', () => {
    const poll = (query: string) => pollOf(get(`${ROOT}?${query}`));
    expect(poll('recursive=true&last_etag=1')).toBeUndefined();
    expect(poll('wait_for_change=false')).toBeUndefined();
    expect(poll('wait_for_change=true')).toEqual({ lastEtag: undefined, timeoutMs: undefined });
    expect(poll('wait_for_change=true&last_etag=NONE&timeout_sec=60')).toEqual({
      lastEtag: 'NONE',
      timeoutMs: 60_000,
    });
    expect(poll('wait_for_change=true&timeout_sec=soon')?.timeoutMs).toBeUndefined();
  });
});
