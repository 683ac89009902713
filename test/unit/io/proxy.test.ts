import { describe, expect, it } from 'vitest';
import { adoptProxies, proxiesForBuilds, readProxies } from '../../../src/io/proxy.ts';

const LOOPBACK = 'localhost,127.0.0.1,[::1]';

describe('readProxies', () => {
  it.each([
    ['no variables', {}, { http: undefined, https: undefined, none: `,${LOOPBACK}` }],
    ['an empty variable', { HTTPS_PROXY: '' }, { http: undefined, https: undefined, none: `,${LOOPBACK}` }],
    [
      'HTTP_PROXY for both protocols',
      { HTTP_PROXY: 'http://a:1' },
      { http: 'http://a:1/', https: 'http://a:1/', none: `,${LOOPBACK}` },
    ],
    [
      'lower-case variables before upper-case ones',
      { HTTPS_PROXY: 'http://a:1', https_proxy: 'http://b:2', NO_PROXY: 'x', no_proxy: 'y' },
      { http: undefined, https: 'http://b:2/', none: `y,${LOOPBACK}` },
    ],
    ['the wildcard in no_proxy', { no_proxy: ' * ' }, { http: undefined, https: undefined, none: '*' }],
  ])('reads %s', (_, env, expected) => expect(readProxies(env)).toEqual(expected));
});

describe('an invalid proxy', () => {
  it.each([
    ['http://me:s3cret', 'http://me:REDACTED'],
    ['http://me:s3\ncret@bad host', 'http://REDACTED@bad host'],
    ['me:s3\ncret@host:1', 'REDACTED@host:1'],
    ['socks5://host:1080?s3cret', 'socks5://host:1080?REDACTED'],
    ['ftp://me:s3cret@host', 'ftp://host/'],
    ['me:s3cret', 'me:REDACTED'],
    ['me:123456', 'me:REDACTED'],
    ['http:me:s3cret', 'http:REDACTED'],
    ['http:/me:s3cret', 'http:REDACTED'],
    ['ht\ntp://me:s3cret', 'ht\ntp:REDACTED'],
    ['host:3128', 'host:3128'],
    ['host:3128/', 'host:3128/'],
  ])('like %j is shown as %j, without secrets', (value, shown) => {
    expect(() => readProxies({ https_proxy: value })).toThrow(`Invalid proxy "${shown}" in HTTPS_PROXY`);
  });
});

it('adoptProxies sets the lower-case variables, the only ones that apt reads', () => {
  const env: NodeJS.ProcessEnv = {
    HTTP_PROXY: 'http://a:1',
    HTTPS_PROXY: 'http://b:2',
    https_proxy: 'http://c:3',
  };
  adoptProxies(env);
  expect(env).toMatchObject({ http_proxy: 'http://a:1', https_proxy: 'http://c:3' });
  expect(env.no_proxy).toBeUndefined();
});

describe('proxiesForBuilds', () => {
  it.each([
    [{}, []],
    [{ http_proxy: 'http://a:1', no_proxy: 'x' }, ['http_proxy', 'no_proxy']],
    [{ http_proxy: 'http://a:1', https_proxy: 'http://b:2' }, ['http_proxy', 'https_proxy']],
    [{ http_proxy: 'http://127.0.0.1:1', https_proxy: 'http://b:2' }, ['https_proxy']],
    [{ http_proxy: 'http://localhost:1', no_proxy: 'x' }, []],
  ])('%j', (env, names) => expect(proxiesForBuilds(env)).toEqual(names));
});
