import { describe, expect, it } from 'vitest';
import type { CloudRequest } from '../../../../src/lab/cloud/exchange.ts';
import { signatureProblem } from '../../../../src/lab/cloud/sigv4.ts';
import { CREDENTIALS, NOW, sign } from '../../../support/cloud.ts';

const SIGNER = { credentials: CREDENTIALS, region: 'eu-central-1', service: 'ssm' };
const BODY = '{"Name":"/turn/secret"}';
const unsigned = (headers: Record<string, string> = {}, body = BODY): CloudRequest => ({
  method: 'POST',
  path: '/',
  query: '',
  body,
  headers: {
    host: 'ssm.eu-central-1.amazonaws.com',
    'content-type': 'application/x-amz-json-1.1',
    'x-amz-date': '20261127T120000Z',
    'x-amz-security-token': CREDENTIALS.sessionToken,
    'x-amz-target': 'AmazonSSM.GetParameter',
    ...headers,
  },
});
const signed = (headers: Record<string, string> = {}, names?: string[]) =>
  sign(unsigned(headers), CREDENTIALS, SIGNER, names);
const judge = (request: CloudRequest, signer = SIGNER, now = NOW) => signatureProblem(request, signer, now);
/** A request whose headers were changed after it was signed. */
const changed = (headers: Record<string, string>) => {
  const request = signed();
  return { ...request, headers: { ...request.headers, ...headers } };
};
const authorization = (replace: (value: string) => string) =>
  changed({ authorization: replace(signed().headers.authorization ?? '') });

describe("AWS's own test suite for Signature Version 4", () => {
  const EXAMPLE = {
    accessKeyId: 'AKIDEXAMPLE',
    secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY',
    sessionToken: undefined as unknown as string,
    expires: Number.POSITIVE_INFINITY,
  };
  const vector = (signature: string, headers: Record<string, string>, names: string): CloudRequest => ({
    method: 'POST',
    path: '/',
    query: '',
    body: '',
    headers: {
      host: 'example.amazonaws.com',
      'x-amz-date': '20150830T123600Z',
      ...headers,
      authorization: `AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders=${names}, Signature=${signature}`,
    },
  });
  const at = Date.UTC(2015, 7, 30, 12, 36);

  it.each([
    [
      'post-vanilla',
      '5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b',
      {},
      'host;x-amz-date',
    ],
    [
      'post-header-value-case',
      'cdbc9802e29d2942e5e10b5bccfdd67c5f22c7c4e8ae67b53629efa58b974b7d',
      { 'my-header1': 'VALUE1' },
      'host;my-header1;x-amz-date',
    ],
  ])('%s', (_, signature, headers: Record<string, string>, names) => {
    const signer = { credentials: EXAMPLE, region: 'us-east-1', service: 'service' };
    expect(signatureProblem(vector(signature, headers, names), signer, at)).toBeUndefined();
    const wrong = signature.replace(/^./, (digit) => (digit === '0' ? '1' : '0'));
    expect(signatureProblem(vector(wrong, headers, names), signer, at)?.type).toBe(
      'InvalidSignatureException',
    );
  });
});

describe('a signature', () => {
  it('is right if everything is', () => {
    expect(judge(signed())).toBeUndefined();
    // Spaces of values are signed trimmed and collapsed.
    const spaced = signed({ 'x-extra': 'two spaces' });
    expect(judge({ ...spaced, headers: { ...spaced.headers, 'x-extra': ' two   spaces ' } })).toBeUndefined();
    // Only the host and the x-amz-* headers are required.
    expect(judge(signed({}, ['host', 'x-amz-date', 'x-amz-security-token', 'x-amz-target']))).toBeUndefined();
  });

  it.each([
    ['a changed body', { ...signed(), body: '{"Name":"/other"}' }],
    ['a changed header', changed({ 'content-type': 'text/plain' })],
    ['a changed host', changed({ host: 'ssm.us-east-1.amazonaws.com' })],
    ['a changed method', { ...signed(), method: 'PUT' }],
    ['another key', sign(unsigned(), { ...CREDENTIALS, secretAccessKey: 'other' }, SIGNER)],
    ['an unsigned host', signed({}, ['x-amz-date', 'x-amz-security-token', 'x-amz-target'])],
    ['an unsigned session token', signed({}, ['host', 'x-amz-date', 'x-amz-target'])],
    ['an unsigned action', signed({}, ['host', 'x-amz-date', 'x-amz-security-token'])],
    ['a wrong hash of the body', signed({ 'x-amz-content-sha256': '0'.repeat(64) })],
    ['another region', sign(unsigned(), CREDENTIALS, { ...SIGNER, region: 'us-east-1' })],
    ['another service', sign(unsigned(), CREDENTIALS, { ...SIGNER, service: 'secretsmanager' })],
    ['another terminator', authorization((value) => value.replace('aws4_request', 'aws3_request'))],
    ['another date', authorization((value) => value.replace('/20261127/', '/20261126/'))],
  ])('is invalid with %s', (_, request) => expect(judge(request)?.type).toBe('InvalidSignatureException'));

  it.each([
    [-300_000, undefined],
    [300_000, undefined],
    [-301_000, 'InvalidSignatureException'],
    [301_000, 'InvalidSignatureException'],
  ])('made %i ms from now: %s', (ms, type) => expect(judge(signed(), SIGNER, NOW + ms)?.type).toBe(type));

  it('names the rule that was broken', () => {
    expect(judge(signed({}, ['x-amz-date']))?.message).toContain("must be a 'SignedHeader'");
    expect(judge(signed({}, ['host', 'x-amz-date', 'x-amz-target']))?.message).toContain(
      'not signed: x-amz-security-token',
    );
    expect(judge(sign(unsigned(), CREDENTIALS, { ...SIGNER, region: 'us-east-1' }))?.message).toContain(
      "'us-east-1'",
    );
    expect(judge(sign(unsigned(), CREDENTIALS, { ...SIGNER, service: 's3' }))?.message).toContain(
      "service: 'ssm'",
    );
    expect(judge(authorization((value) => value.replace('aws4_request', 'aws3')))?.message).toContain(
      'terminator',
    );
    expect(judge(authorization((value) => value.replace('/20261127/', '/20261126/')))?.message).toContain(
      'YYYYMMDD',
    );
    expect(judge(signed(), SIGNER, NOW + 301_000)?.message).toContain('expired');
    expect(judge(signed(), SIGNER, NOW - 301_000)?.message).toContain('not yet current');
  });
});

describe('the credentials of a request', () => {
  it('must be there, and complete', () => {
    expect(judge(unsigned())?.type).toBe('MissingAuthenticationTokenException');
    for (const value of ['', 'Bearer x', 'AWS4-HMAC-SHA256 Credential=a/b'])
      expect(judge(changed({ authorization: value }))?.type).toBe('IncompleteSignatureException');
    expect(judge(changed({ 'x-amz-date': 'today' }))?.type).toBe('IncompleteSignatureException');
  });

  it('must be those of the session', () => {
    const other = { ...CREDENTIALS, accessKeyId: 'ASIAOTHER' };
    expect(judge(sign(unsigned(), other, SIGNER))?.type).toBe('UnrecognizedClientException');
    expect(judge(signed({ 'x-amz-security-token': 'old' }))?.type).toBe('UnrecognizedClientException');
    const { 'x-amz-security-token': _, ...headers } = unsigned().headers;
    expect(judge(sign({ ...unsigned(), headers }, CREDENTIALS, SIGNER))?.type).toBe(
      'UnrecognizedClientException',
    );
  });

  it('must not have expired', () => {
    const credentials = { ...CREDENTIALS, expires: NOW };
    expect(judge(signed(), { ...SIGNER, credentials })?.type).toBe('ExpiredTokenException');
    expect(judge(signed(), { ...SIGNER, credentials }, NOW - 1)).toBeUndefined();
  });
});
