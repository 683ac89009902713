import { describe, expect, it } from 'vitest';
import { adoptProxies, proxiesForBuilds, readProxies } from '../../../src/io/proxy.ts';

const LOOPBACK = 'localhost,127.0.0.1,[::1]';

describe('readProxies', () => {
  it.each([
    ['nothing', {}, { http: undefined, https: undefined, none: `,${LOOPBACK}` }],
    ['an empty variable', { HTTPS_PROXY: '' }, { http: undefined, https: undefined, none: `,${LOOPBACK}` }],
    [
      'http for both',
      { HTTP_PROXY: 'http://a:1' },
      { http: 'http://a:1/', https: 'http://a:1/', none: `,${LOOPBACK}` },
    ],
    [
      'the lower-case one of two',
      { HTTPS_PROXY: 'http://a:1', https_proxy: 'http://b:2', NO_PROXY: 'x', no_proxy: 'y' },
      { http: undefined, https: 'http://b:2/', none: `y,${LOOPBACK}` },
    ],
    ['* alone', { no_proxy: ' * ' }, { http: undefined, https: undefined, none: '*' }],
  ])('%s', (_, env, expected) => expect(readProxies(env)).toEqual(expected));
});

describe('a proxy that is none is shown without what may be secret', () => {
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
  ])('%j as %j', (value, shown) => {
    expect(() => readProxies({ https_proxy: value })).toThrow(`Invalid proxy "${shown}" in HTTPS_PROXY`);
  });
});

it('sets the lower-case variables, which are the only ones that apt reads', () => {
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
