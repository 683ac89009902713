import { describe, expect, it } from 'vitest';
import type { GceMachine } from '../../../../src/lab/cloud/gce-machine.ts';
import { crc32c, type GoogleSecrets } from '../../../../src/lab/cloud/google-secrets.ts';
import { answerServices } from '../../../../src/lab/cloud/services.ts';
import { GCE_MACHINE, get, NOW, textOf } from '../../../support/cloud.ts';

const SECRETS: GoogleSecrets = {
  secrets: [
    { project: 'other', name: 'turn', versions: [{ value: 'not yours' }] },
    { project: 'calls', name: 'turn', versions: [{ value: 'first' }, { value: 'second' }] },
    {
      project: 'calls',
      name: 'retired',
      versions: [
        { value: '', state: 'DESTROYED' },
        { value: 'x', state: 'DISABLED' },
      ],
    },
    { project: 'calls', name: 'empty', versions: [] },
  ],
  refusals: {},
};
const HEADERS = { host: 'secretmanager.googleapis.com', authorization: 'Bearer ya29.token' };
const LATEST = 'projects/calls/secrets/turn/versions/latest:access';

function ask(
  path: string,
  {
    headers = HEADERS as Record<string, string>,
    secrets = SECRETS,
    machine = GCE_MACHINE,
    method = 'GET',
    now = NOW,
  } = {},
) {
  const response = answerServices(
    { cloud: 'gce', machine, secrets, faults: [] },
    get(`/v1/${path}`, headers, method),
    now,
  );
  return { status: response.status, body: response.body === '' ? {} : JSON.parse(textOf(response)) };
}

describe("Secret Manager's :access", () => {
  it.each([
    ['calls', 'latest', 'second', 2],
    ['calls', '1', 'first', 1],
    ['739419398126', '2', 'second', 2],
  ])('returns a version: %s, %s', (project, version, value, number) => {
    const { status, body } = ask(`projects/${project}/secrets/turn/versions/${version}:access`);
    expect([status, body]).toEqual([
      200,
      {
        name: `projects/739419398126/secrets/turn/versions/${number}`,
        payload: { data: Buffer.from(value).toString('base64'), dataCrc32c: `${crc32c(Buffer.from(value))}` },
      },
    ]);
  });

  it('has a CRC-32C', () => {
    // RFC 3720, B.4, and the usual check value.
    expect(crc32c(Buffer.alloc(32))).toBe(0x8a9136aa);
    expect(crc32c(Buffer.from('123456789'))).toBe(0xe3069283);
  });

  it.each([
    ['no token', { host: HEADERS.host }],
    ['another token', { ...HEADERS, authorization: 'Bearer other' }],
    ['no scheme', { ...HEADERS, authorization: 'ya29.token' }],
    ['Basic', { ...HEADERS, authorization: 'Basic ya29.token' }],
  ])('is unauthenticated with %s', (_, headers: Record<string, string>) =>
    expect(ask(LATEST, { headers })).toMatchObject({
      status: 401,
      body: { error: { code: 401, status: 'UNAUTHENTICATED' } },
    }),
  );

  it('needs a token that has not expired', () => {
    expect(ask(LATEST, { now: NOW + 3_599_999 }).status).toBe(200);
    expect(ask(LATEST, { now: NOW + 3_600_000 }).status).toBe(401);
  });

  it('needs an account with the scope of the cloud', () => {
    const { serviceAccount, ...bare } = GCE_MACHINE;
    const machine = {
      ...bare,
      serviceAccount: { ...serviceAccount, scopes: ['logging.write'] },
    } as GceMachine;
    expect(ask(LATEST, { machine: bare }).status).toBe(401);
    expect(ask(LATEST, { machine })).toMatchObject({
      status: 403,
      body: { error: { message: 'Request had insufficient authentication scopes.' } },
    });
  });

  it.each([
    ['projects/other/secrets/turn/versions/latest:access', 403, 'PERMISSION_DENIED'],
    ['projects/calls/secrets/absent/versions/latest:access', 404, 'NOT_FOUND'],
    ['projects/calls/secrets/empty/versions/latest:access', 404, 'NOT_FOUND'],
    ['projects/calls/secrets/turn/versions/3:access', 404, 'NOT_FOUND'],
    ['projects/calls/secrets/retired/versions/latest:access', 400, 'FAILED_PRECONDITION'],
    ['projects/calls/secrets/retired/versions/1:access', 400, 'FAILED_PRECONDITION'],
    ['projects/calls/secrets/turn/versions/latest', 404, 'NOT_FOUND'],
    ['projects/calls/secrets/turn/versions/0:access', 404, 'NOT_FOUND'],
    ['projects/calls/secrets/turn', 404, 'NOT_FOUND'],
  ])('%s: %i %s', (path, status, name) =>
    expect(ask(path)).toMatchObject({ status, body: { error: { code: status, status: name } } }),
  );

  it('refuses on demand', () => {
    const refusing = (refusals: GoogleSecrets['refusals']) =>
      ask(LATEST, { secrets: { ...SECRETS, refusals } });
    for (const name of ['turn', '*']) {
      expect(refusing({ [name]: 'denied' })).toMatchObject({
        status: 403,
        body: {
          error: {
            message:
              "Permission 'secretmanager.versions.access' denied for resource 'projects/calls/secrets/turn/versions/latest' (or it may not exist).",
          },
        },
      });
      expect(refusing({ [name]: 'throttled' })).toMatchObject({
        status: 429,
        body: { error: { status: 'RESOURCE_EXHAUSTED' } },
      });
    }
    expect(refusing({ other: 'denied' }).status).toBe(200);
  });

  it('answers only GET, and only on its host', () => {
    expect(ask(LATEST, { method: 'POST' }).status).toBe(404);
    expect(ask(LATEST, { headers: { ...HEADERS, host: 'ssm.eu-central-1.amazonaws.com' } }).status).toBe(421);
  });
});
