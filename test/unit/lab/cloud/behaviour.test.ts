import { describe, expect, it } from 'vitest';
import { type FaultRule, misbehaviourOf, spoil } from '../../../../src/lab/cloud/behaviour.ts';
import { createRequestLog, recordOf } from '../../../../src/lab/cloud/requests.ts';
import { get } from '../../../support/cloud.ts';

const RULES: FaultRule[] = [
  { service: 'metadata', fault: { do: 'delay', ms: 100 } },
  { service: 'metadata', path: '/public-ipv4$', fault: { do: 'delay', ms: 50 } },
  { service: 'metadata', path: '/public-ipv4$', fault: { do: 'say', text: '127.0.0.1' } },
  { service: 'metadata', path: '/api/token$', fault: { do: 'silence' } },
  { service: 'metadata', path: '/api/', fault: { do: 'refuse', status: 403 } },
  { service: 'secrets', fault: { do: 'garbage' } },
];

describe('the faults of a request', () => {
  it.each([
    ['metadata', '/latest/meta-data/mac', 100, undefined],
    ['metadata', '/latest/meta-data/public-ipv4', 150, { do: 'say', text: '127.0.0.1' }],
    ['metadata', '/latest/api/token', 100, { do: 'silence' }],
    ['metadata', '/latest/api/other', 100, { do: 'refuse', status: 403 }],
    ['secrets', '/latest/meta-data/public-ipv4', 0, { do: 'garbage' }],
  ] as const)('of %s at %s', (service, path, delayMs, instead) =>
    expect(misbehaviourOf(RULES, service, path)).toEqual({ delayMs, instead }),
  );

  it('are none without rules', () =>
    expect(misbehaviourOf([], 'metadata', '/')).toEqual({ delayMs: 0, instead: undefined }));
});

describe('a spoilt response', () => {
  const right = { status: 200, headers: { etag: '1', 'content-type': 'text/plain' }, body: '198.51.100.7' };

  it('is an error', () =>
    expect(spoil(right, { do: 'refuse', status: 503 })).toMatchObject({
      status: 503,
      body: expect.stringContaining('503'),
    }));

  it('is a page of something else', () => {
    const page = spoil(right, { do: 'garbage' });
    expect(page).toMatchObject({ status: 200, body: expect.stringMatching(/^<!DOCTYPE html>/) });
    expect(page.headers).toEqual({ 'content-type': 'text/html; charset=utf-8' });
  });

  it('is a wrong value with the right headers', () =>
    expect(spoil(right, { do: 'say', text: 'banana' })).toEqual({ ...right, body: 'banana' }));

  it('is no value where there was an error', () => {
    const error = { ...right, status: 401 };
    expect(spoil(error, { do: 'say', text: 'banana' })).toBe(error);
  });

  it('leads elsewhere', () =>
    expect(spoil(right, { do: 'redirect', location: 'http://192.0.2.1/' })).toMatchObject({
      status: 302,
      headers: { location: 'http://192.0.2.1/' },
      body: '',
    }));
});

describe('the record of requests', () => {
  const SECRET = 'very-secret';
  const request = {
    ...get(`/latest/user-data?token=${SECRET}&alt=json`, {
      'x-aws-ec2-metadata-token': SECRET,
      authorization: SECRET,
      host: SECRET,
    }),
    body: SECRET,
  };

  it('has names, but no values that could be secret', () => {
    const record = recordOf('metadata', request, 7);
    expect(record).toEqual({
      service: 'metadata',
      method: 'GET',
      path: '/latest/user-data',
      query: ['token', 'alt'],
      headers: ['authorization', 'host', 'x-aws-ec2-metadata-token'],
      at: 7,
    });
    expect(JSON.stringify(record)).not.toContain(SECRET);
  });

  it('names the action of an AWS API', () => {
    const target = (value: string) => recordOf('secrets', get('/', { 'x-amz-target': value }), 0).target;
    expect(target('AmazonSSM.GetParameter')).toBe('AmazonSSM.GetParameter');
    expect(target(SECRET)).toBeUndefined();
  });

  it('keeps the order of arrival, and the status once there is one', () => {
    const log = createRequestLog();
    const first = log.add(recordOf('metadata', get('/1'), 1));
    const second = log.add(recordOf('metadata', get('/2'), 2));
    second(200);
    expect(log.all().map(({ path, status }) => [path, status])).toEqual([
      ['/1', undefined],
      ['/2', 200],
    ]);
    first(404);
    expect(log.all()[0]?.status).toBe(404);
  });
});
