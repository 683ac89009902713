import { describe, expect, it } from 'vitest';
import { s3Error } from '../../../src/io/bucket/s3-errors.ts';
import { networkProblem, withHost } from '../../../src/io/network-error.ts';

const failed = (code: string) =>
  Object.assign(new TypeError('fetch failed'), { cause: Object.assign(new Error('x'), { code }) });

describe('a network error', () => {
  it.each([
    ['ECONNREFUSED', 'the connection was refused', /network/],
    ['EAI_AGAIN', 'the name lookup failed: EAI_AGAIN', /network/],
    ['UND_ERR_HEADERS_TIMEOUT', 'no answer arrived in time', /network/],
    ['UND_ERR_SOCKET', 'the connection was lost', /network/],
    ['EHOSTUNREACH', 'the connection failed: EHOSTUNREACH', /network/],
    [
      'SELF_SIGNED_CERT_IN_CHAIN',
      'its certificate is not trusted: SELF_SIGNED_CERT_IN_CHAIN',
      /NODE_EXTRA_CA/,
    ],
    ['CERT_HAS_EXPIRED', "its certificate has expired, or this machine's clock is fast", /clock/],
    ['CERT_NOT_YET_VALID', "its certificate is not valid yet, or this machine's clock is slow", /clock/],
    ['ERR_SSL_WRONG_VERSION_NUMBER', 'another kind of server answered: ERR_SSL_WRONG_VERSION_NUMBER', /http/],
  ])('%s names the cause, the host, and what to do', (code, why, hint) => {
    const error = withHost(failed(code), 'https://api.github.com/repos');
    expect(networkProblem(error)).toMatchObject({
      why: `${why} (api.github.com)`,
      hint: expect.stringMatching(hint),
    });
  });

  it('is not one of a file, or of the program', () => {
    expect(networkProblem(failed('ENOENT'))).toBeUndefined();
    expect(networkProblem(new Error('other'))).toBeUndefined();
  });
});

it.each(['RequestTimeTooSkewed', 'RequestExpired'])('the error %s of S3 names the clock', (name) => {
  const call = { address: 's3://packages', bucket: 'packages', key: undefined, action: 's3:ListBucket' };
  const error = Object.assign(new Error('x'), { name, $metadata: { httpStatusCode: 403 } });
  expect(s3Error(error, call)).toMatchObject({
    code: 'CLOCK_WRONG',
    message: expect.stringContaining("this machine's clock"),
    hint: expect.stringContaining('NTP'),
  });
});
